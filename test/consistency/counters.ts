import { SessionScoped, Merge } from 'nestjs-session-beans';

/** Says nothing about what two increments at once mean. */
@SessionScoped({ name: 'plain' })
export class PlainCounter {
  value = 0;
  other = 0;
}

@SessionScoped({ name: 'summed' })
export class SummedCounter {
  @Merge('sum') value = 0;
}

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
