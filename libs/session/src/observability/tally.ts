/** Counts by label, for counters that are asked for. Its labels have to be few: they are kept for ever. */
export class Tally {
  private readonly counts: Map<string, number>;

  /** @param labels of what may be counted: there from the start, with 0, so that the first one is seen as an increase */
  constructor(labels: readonly string[] = []) {
    this.counts = new Map(labels.map((label) => [label, 0]));
  }

  add(label: string, amount = 1): void {
    this.counts.set(label, (this.counts.get(label) ?? 0) + amount);
  }

  [Symbol.iterator](): Iterator<[label: string, count: number]> {
    return this.counts.entries();
  }
}
