import type { SessionKey } from './session-key.js';
import type { StoreGateway } from './store-gateway.js';

/** How long the store keeps a lock that is not kept: how long others wait when the holder's server dies. */
export const LEASE_MS = 10_000;

/** A session that one request has for itself. Kept until it is released; gone at most 10 s after its server died. */
export class SessionLock {
  private readonly keeping: NodeJS.Timeout | undefined;
  private isReleased = false;

  constructor(
    private readonly key: SessionKey,
    private readonly store: StoreGateway,
    /** What the store knows the holder by; undefined when no other server can want the session. */
    readonly token: string | undefined,
    private readonly onRelease: () => void,
  ) {
    if (token === undefined) return;
    // A failure shows when something is saved: then the lock is not held any more.
    const keep = (): void => void store.lock(key, token, LEASE_MS).catch(() => undefined);
    this.keeping = setInterval(keep, LEASE_MS / 3).unref();
  }

  /** May be called again. Never rejects: what the store is not told, it forgets by itself. */
  async release(): Promise<void> {
    if (this.isReleased) return;
    this.isReleased = true;
    clearInterval(this.keeping);
    if (this.token !== undefined) await this.store.unlock(this.key, this.token).catch(() => undefined);
    this.onRelease();
  }
}
