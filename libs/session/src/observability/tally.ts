/** Counts by label, for counters that are asked for. Its labels have to be few: they are kept for ever. */
export class Tally {
  private readonly counts = new Map<string, number>();

  add(label: string, amount = 1): void {
    this.counts.set(label, (this.counts.get(label) ?? 0) + amount);
  }

  [Symbol.iterator](): Iterator<[label: string, count: number]> {
    return this.counts.entries();
  }
}
