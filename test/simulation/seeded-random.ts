/** A random sequence that depends only on its seed (mulberry32), so that a schedule can be repeated. */
export class SeededRandom {
  private state: number;

  constructor(private readonly seed: number) {
    // The multiplication makes neighbouring seeds give unrelated sequences.
    this.state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) >>> 0;
  }

  /** A number from 0 up to but not including 1. */
  readonly next = (): number => {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** An integer from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1));
  }

  chance(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.next() * items.length)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }

  /**
   * An independent sequence. Each part of the simulation has its own, so that one part's draws do not change another's.
   */
  split(label: number): SeededRandom {
    return new SeededRandom(Math.imul(this.seed + 1, 0x01000193) ^ Math.imul(label + 1, 0x27d4eb2d));
  }
}
