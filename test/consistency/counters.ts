import { SessionScoped, Merge } from 'nestjs-session-beans';

/** A counter without a merge rule: two increments at once conflict. */
@SessionScoped({ name: 'plain' })
export class PlainCounter {
  value = 0;
  other = 0;
}

@SessionScoped({ name: 'summed' })
export class SummedCounter {
  @Merge('sum') value = 0;
}

/** Counts with a merge rule and remembers what it has counted. In every correct state both agree. */
@SessionScoped({ name: 'tally' })
export class Tally {
  @Merge('sum') count = 0;
  @Merge('union') tags = new Set<string>();

  add(tag: string): void {
    this.count++;
    this.tags.add(tag);
  }
}
