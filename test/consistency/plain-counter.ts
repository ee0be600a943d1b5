import { SessionScoped } from 'nestjs-session-beans';

/** Says nothing about what two increments at once mean. */
@SessionScoped({ name: 'plain' })
export class PlainCounter {
  value = 0;
  other = 0;
}
