import { Merge, SessionScoped } from 'nestjs-session-beans';

/** How much somebody has said, in all tabs of their browser. */
@SessionScoped({ name: 'tally', version: 1 })
export class Tally {
  @Merge('sum') lines = 0;
}
