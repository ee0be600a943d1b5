import type { SessionKey } from '../session-key.js';

/** Lets the operations of one session run one after another on this member; those of different sessions do not wait for each other. */
export class KeyQueue {
  private readonly tails = new Map<SessionKey, Promise<void>>();

  /** Sessions that are worked on. */
  get size(): number {
    return this.tails.size;
  }

  isBusy(key: SessionKey): boolean {
    return this.tails.has(key);
  }

  async run<T>(key: SessionKey, work: () => Promise<T>): Promise<T> {
    const before = this.tails.get(key);
    let finish: () => void = () => undefined;
    const tail = new Promise<void>((resolve) => (finish = resolve));
    this.tails.set(key, tail);
    try {
      await before;
      return await work();
    } finally {
      if (this.tails.get(key) === tail) this.tails.delete(key);
      finish();
    }
  }
}
