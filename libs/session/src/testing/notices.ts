import assert from 'node:assert/strict';
import type { SessionKey } from '../store/session-key.js';
import type { LoadResult, SaveResult, SessionStore, SessionWatch } from '../store/session-store.js';

const WATCHED_WITHIN_MS = 10_000;

/** A watch that has not moved for so long does not move. */
const PASSES_WITHIN_MS = 3_000;

/** What one server hears of the others. The waiting is in real time, as watches are. */
export class Notices {
  private readonly keys = new Set<SessionKey>();
  private readonly counts = new Map<SessionKey, number>();

  private constructor(readonly store: SessionStore) {}

  /** Undefined, after a look that nothing is pretended, for a store that does not tell. */
  static of(store: SessionStore): Notices | undefined {
    assert.equal(
      store.subscribe !== undefined,
      store.capabilities.notifies === true,
      '[N] subscribe() is there exactly when notifies is declared',
    );
    if (!store.subscribe) return undefined;
    const notices = new Notices(store);
    store.subscribe((key) => {
      notices.keys.add(key);
      notices.counts.set(key, (notices.counts.get(key) ?? 0) + 1);
    });
    return notices;
  }

  /** Whether something was told of the session since `forget`. */
  tellOf(key: SessionKey): boolean {
    return this.keys.has(key);
  }

  forget(): void {
    this.keys.clear();
  }

  /** How often something was told of the session, ever. */
  countOf(key: SessionKey): number {
    return this.counts.get(key) ?? 0;
  }

  /** Loads the session until the answer carries a watch. */
  async watched(key: SessionKey): Promise<SessionWatch> {
    const end = performance.now() + WATCHED_WITHIN_MS;
    while (performance.now() < end) {
      const result = await this.store.load(key);
      const { watch } = result as { watch?: SessionWatch };
      if (watch) return watch;
      await soon();
    }
    throw new assert.AssertionError({ message: `no answer carried a watch within ${WATCHED_WITHIN_MS} ms` });
  }

  /** The watch of an answer that tells of a session. */
  watchOf(result: LoadResult | SaveResult): SessionWatch {
    const { watch } = result as { watch?: SessionWatch };
    assert(watch, `expected the answer ${result.outcome} to carry a watch, as the one before did`);
    return watch;
  }

  /** Waits until the watch passes the moment; false when it does not. */
  async passes(watch: SessionWatch, moment: number): Promise<boolean> {
    const end = performance.now() + PASSES_WITHIN_MS;
    while (watch.toldUntil <= moment && performance.now() < end) await soon();
    return watch.toldUntil > moment;
  }

  /** [N2] By now somebody else has changed the session. */
  async assertTold(key: SessionKey, watch: SessionWatch, what: string): Promise<void> {
    const moment = performance.now();
    if (await this.passes(watch, moment)) assert(this.tellOf(key), `${what} was not told, but the watch passed it`);
  }
}

function soon(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
