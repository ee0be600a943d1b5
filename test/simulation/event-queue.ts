interface QueuedEvent {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Future events, earliest first. Events of the same moment keep the order in which they were added. It is a binary
 * heap.
 */
export class EventQueue {
  private readonly heap: QueuedEvent[] = [];
  private order = 0;

  get next(): QueuedEvent | undefined {
    return this.heap[0];
  }

  add(at: number, run: () => void): void {
    const event = { at, order: this.order++, run };
    let index = this.heap.push(event) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = this.heap[parent];
      if (above === undefined || isBefore(above, event)) break;
      this.heap[index] = above;
      index = parent;
    }
    this.heap[index] = event;
  }

  removeNext(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      const [first, second] = [this.heap[left], this.heap[left + 1]];
      if (first === undefined) break;
      const below = second !== undefined && isBefore(second, first) ? second : first;
      if (isBefore(last, below)) break;
      this.heap[index] = below;
      index = below === first ? left : left + 1;
    }
    this.heap[index] = last;
  }
}

function isBefore(one: QueuedEvent, other: QueuedEvent): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
