import type { SessionStore } from '../store/session-store.js';

const uses = new WeakMap<SessionStore, StoreUse>();

/**
 * The applications of this process that use one store, one after another or at the same time: a store that is made in a
 * `@Module` decorator is shared by all test applications of that module. It is opened for the first one and closed when
 * the last one has ended, in that order.
 */
export class StoreUse {
  private applications = 0;

  /** The last opening or closing. */
  private turn: Promise<void> = Promise.resolve();

  private constructor(private readonly store: SessionStore) {}

  static of(store: SessionStore): StoreUse {
    let use = uses.get(store);
    if (!use) uses.set(store, (use = new StoreUse(store)));
    return use;
  }

  /** @throws (rejects with) what the store rejects with: the application must not start */
  async begin(): Promise<void> {
    if (++this.applications === 1) this.turn = this.turn.then(() => this.store.open?.());
    try {
      await this.turn;
    } catch (error) {
      this.applications--;
      this.turn = Promise.resolve();
      throw error;
    }
  }

  /** @param hasBegun false for an application that was never initialised: its store has connections nevertheless */
  async end(hasBegun: boolean): Promise<void> {
    if (hasBegun) this.applications--;
    if (this.applications > 0) return;
    const closed = this.turn.then(() => this.store.close());
    // The next application opens it all the same.
    this.turn = closed.catch(() => undefined);
    await closed;
  }
}
