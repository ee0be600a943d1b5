import type { SessionKey, SessionStore, SessionWatch } from 'nestjs-session-beans/store-kit';

type Listener = (key: SessionKey) => void;

/**
 * A store that several servers share and that tells each of them what the others change, as late as a test wants. One
 * for all servers; each gets its own view with `forServer`.
 */
export class NoticeBoard {
  private readonly listeners = new Map<number, Listener>();
  private readonly undelivered = new Map<number, { readonly key: SessionKey; readonly at: number }[]>();

  /** By `performance.now()`; a test may move it. */
  now: () => number = () => performance.now();

  /** While false, notices pile up: the connection that brings them is silent. */
  isDelivering = true;

  /** Awaited between what the store did and its reply. */
  beforeReply: (operation: 'load' | 'save', server: number) => Promise<void> = async () => undefined;

  constructor(private readonly inner: SessionStore) {}

  forServer(server: number): SessionStore {
    this.undelivered.set(server, []);
    const { inner } = this;
    const told = new ToldUntil(() => this.undelivered.get(server)?.[0]?.at ?? this.now());
    const answer = async <T extends object>(operation: 'load' | 'save', result: T): Promise<T> => {
      await this.beforeReply(operation, server);
      return { ...result, watch: told };
    };
    return {
      name: 'noticing',
      contract: 1,
      shared: true,
      locks: inner.locks,
      notices: { subscribe: (listener) => void this.listeners.set(server, listener) },
      load: async (access, options) => answer('load', await inner.load(access, options)),
      save: async (change) => {
        const result = await inner.save(change);
        if (result.outcome === 'saved') this.tell(server, change.mode === 'create' ? change.key : change.access.key);
        return answer('save', result);
      },
      touch: (access) => inner.touch(access),
      destroy: async (access) => {
        const result = await inner.destroy(access);
        if (result.outcome === 'ended') this.tell(server, access.key);
        return result;
      },
      supersede: (access) => inner.supersede(access),
      close: () => inner.close(),
    };
  }

  /** Brings what piled up. */
  deliver(): void {
    for (const [server, notices] of this.undelivered) {
      for (const { key } of notices.splice(0)) this.listeners.get(server)?.(key);
    }
  }

  private tell(by: number, key: SessionKey): void {
    for (const [server, notices] of this.undelivered) if (server !== by) notices.push({ key, at: this.now() });
    if (this.isDelivering) this.deliver();
  }
}

class ToldUntil implements SessionWatch {
  constructor(private readonly until: () => number) {}

  get toldUntil(): number {
    return this.until();
  }
}
