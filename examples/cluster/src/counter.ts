import { Merge, SessionScoped } from 'nestjs-session-beans';

@SessionScoped({ name: 'counter', version: 1 })
export class Counter {
  @Merge('sum') value = 0;
}
