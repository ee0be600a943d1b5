import { Merge, SessionScoped } from 'nestjs-session-beans';

/** Counts by rule, and remembers what was counted: in every true state both agree. */
@SessionScoped({ name: 'tally' })
export class Tally {
  @Merge('sum') count = 0;
  @Merge('union') tags = new Set<string>();

  add(tag: string): void {
    this.count++;
    this.tags.add(tag);
  }
}
