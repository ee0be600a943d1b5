import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { PromisedEpoch } from './epoch.js';

/** Keys in one answer to a member that has to learn the promises. */
const PAGE = 1_000;

/**
 * With quorum: which epochs this member has granted to whom. It grants a counter to one member only, and once, so no
 * two members can have the consent of a majority to the same one. A member that is granted a greater counter is told of
 * the earlier promises, because each may have become an epoch.
 *
 * One promise is kept per session and process, the last one: a member that has heard of it has heard of those before.
 * Two generations of maps make forgetting cheap; a generation lasts as long as a session may be idle.
 */
export class Promises {
  private young = new Map<SessionKey, readonly PromisedEpoch[]>();
  private old = new Map<SessionKey, readonly PromisedEpoch[]>();
  private since: number;
  private generation = 1;

  constructor(
    private readonly now: () => number,
    /** How long a promise is kept at least, in ms. */
    private readonly forMs: () => number,
  ) {
    this.since = now();
  }

  of(key: SessionKey): readonly PromisedEpoch[] {
    const age = this.now() - this.since;
    if (age >= this.forMs()) this.startGeneration();
    if (age >= 2 * this.forMs()) this.old.clear();
    return this.young.get(key) ?? this.old.get(key) ?? [];
  }

  /** @param settled promises up to this counter mean nothing any more */
  grant(key: SessionKey, epoch: PromisedEpoch, settled: number): void {
    const others = this.of(key).filter(
      (promise) => processOf(promise) !== processOf(epoch) && promise.counter > settled,
    );
    this.young.set(key, [...others, epoch]);
  }

  /** Adds the promises that another member remembers. */
  learn(key: SessionKey, epochs: readonly PromisedEpoch[]): void {
    const known = new Map(this.of(key).map((epoch) => [processOf(epoch), epoch]));
    for (const epoch of epochs) {
      if (epoch.counter > (known.get(processOf(epoch))?.counter ?? 0)) known.set(processOf(epoch), epoch);
    }
    this.young.set(key, [...known.values()]);
  }

  /** Whether a promise to another member forbids that this epoch begins here. */
  forbids(key: SessionKey, { counter, node }: PromisedEpoch): boolean {
    return this.of(key).some(
      (promise) => promise.counter > counter || (promise.counter === counter && promise.node !== node),
    );
  }

  /** All promises, page by page. The reader begins again when a generation has ended in between. */
  page(generation: number, skip: number): { generation: number; page: [SessionKey, readonly PromisedEpoch[]][] } {
    const page: [SessionKey, readonly PromisedEpoch[]][] = [];
    let toSkip = generation === this.generation ? skip : 0;
    for (const map of [this.old, this.young]) {
      for (const entry of map) {
        if (toSkip-- > 0) continue;
        page.push(entry);
        if (page.length === PAGE) return { generation: this.generation, page };
      }
    }
    return { generation: this.generation, page };
  }

  private startGeneration(): void {
    this.old = this.young;
    this.young = new Map();
    this.since = this.now();
    this.generation++;
  }
}

function processOf({ node, process }: PromisedEpoch): string {
  return `${node} ${process}`;
}
