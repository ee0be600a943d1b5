import { Merge, SessionScoped } from 'nestjs-session-beans';

/** Each session has one. Overlapping requests of a session are added up. */
@SessionScoped({ name: 'counter', version: 1 })
export class Counter {
  @Merge('sum') value = 0;
}
