import type { SessionKey } from '../store/session-key.js';
import type { LiveSessionSettings } from './live-session-settings.js';
import { LiveSession } from './live-session.js';
import { RenewedId } from './renewed-id.js';
import type { SessionBirth } from './session-birth.js';
import type { StoreGateway } from './store-gateway.js';

/** Decides at the end of a session's last request whether the live session stays: the seam of the near cache. */
export type RetainLiveSession = (live: LiveSession) => boolean;

/**
 * The live sessions of this server: at most one per key. A request acquires its session and releases it; what nobody uses and nobody
 * retains is forgotten, so memory follows the number of running requests.
 */
export class LiveSessions {
  private readonly byKey = new Map<SessionKey, LiveSession>();
  private readonly loading = new Map<SessionKey, Promise<LiveSession | undefined>>();

  constructor(
    private readonly store: StoreGateway,
    private readonly settings: LiveSessionSettings,
    private readonly retain: RetainLiveSession = () => false,
  ) {}

  /** How many there are, for metrics and tests. */
  get size(): number {
    return this.byKey.size;
  }

  /** For metrics and tests. */
  [Symbol.iterator](): Iterator<LiveSession> {
    return this.byKey.values();
  }

  /**
   * The session of a request, as new as the store's at the time of the call; undefined when there is none. Release it.
   * @throws SessionStoreError; RenewedId
   */
  async acquire(key: SessionKey): Promise<LiveSession | undefined> {
    const live = this.byKey.get(key);
    if (live) return this.join(live);
    const loading = this.loading.get(key);
    // A load that was sent before this request came may miss what was stored since: join what it brings, which asks again.
    if (loading) return (await loading) && this.acquire(key);
    const load = this.load(key).finally(() => this.loading.delete(key));
    this.loading.set(key, load);
    return load;
  }

  /** The live session of an id that was just generated. Release it. */
  create(key: SessionKey, birth: SessionBirth): LiveSession {
    return this.add(new LiveSession(key, this.store, this.settings, birth));
  }

  release(live: LiveSession): void {
    live.users--;
    if (live.users === 0 && (live.isEnded || !this.retain(live))) this.byKey.delete(live.key);
  }

  private async join(live: LiveSession): Promise<LiveSession | undefined> {
    live.users++;
    try {
      const isTrusted = !this.store.isShared && live.isFresh();
      if (isTrusted || (await live.revalidate())) return live;
    } catch (error) {
      this.release(live);
      throw error;
    }
    this.release(live);
    if (live.isRenewed) throw new RenewedId();
    return undefined;
  }

  private async load(key: SessionKey): Promise<LiveSession | undefined> {
    const result = await this.store.load(key);
    if (result.outcome === 'none' && result.renewed) throw new RenewedId();
    if (result.outcome !== 'found') return undefined;
    return this.add(new LiveSession(key, this.store, this.settings, result.record));
  }

  private add(live: LiveSession): LiveSession {
    live.users++;
    this.byKey.set(live.key, live);
    return live;
  }
}
