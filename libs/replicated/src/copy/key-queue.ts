import { type SessionKey, ShortLivedMap } from 'nestjs-session-beans/store-kit';

const ignore = (): void => undefined;

/**
 * Lets the operations of one session run one after another on this member. Operations of different sessions do not wait
 * for each other.
 */
export class KeyQueue {
  private readonly tails = new ShortLivedMap<SessionKey, Promise<void>>();

  /** Number of sessions with an operation that runs or waits. */
  get size(): number {
    return this.tails.size;
  }

  isBusy(key: SessionKey): boolean {
    return this.tails.has(key);
  }

  async run<T>(key: SessionKey, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key);
    const running = before ? before.then(work) : work();
    const tail = running.then(ignore, ignore);
    this.tails.set(key, tail);
    try {
      return await running;
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
    }
  }
}
