import { SessionScoped } from 'nestjs-session-beans';

/** The bean of tests for which it does not matter what a bean holds. */
@SessionScoped({ name: 'counter' })
export class Counter {
  value = 0;
}
