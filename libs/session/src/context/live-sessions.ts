import type { Clock } from '../store/clock.js';
import type { SessionKey } from '../store/session-key.js';
import { LiveSession, type SessionBirth } from './live-session.js';
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
    private readonly clock: Clock,
    private readonly touchIntervalMs: number,
    private readonly retain: RetainLiveSession = () => false,
  ) {}

  /** How many there are, for metrics and tests. */
  get size(): number {
    return this.byKey.size;
  }

  /**
   * The session of a request, as new as the store's at the time of the call; undefined when there is none. Release it.
   * @throws SessionStoreError
   */
  async acquire(key: SessionKey): Promise<LiveSession | undefined> {
    const live = this.byKey.get(key);
    if (live) return this.join(live);
    const loading = this.loading.get(key);
    // A load that was sent before this request came may miss what was stored since: join what it brings, which asks again.
    if (loading) return (await loading) && this.acquire(key);
    const load = this.load(key).finally(() => this.loading.delete(key));
    this.loading.set(key, load);
    // Whoever joins awaits it too; this keeps a failure that nobody else waits for from ending the process.
    load.catch(() => undefined);
    return load;
  }

  /** The live session of an id that was just generated. Release it. */
  create(key: SessionKey, birth: SessionBirth): LiveSession {
    return this.add(LiveSession.born(key, this.store, this.clock, birth));
  }

  release(live: LiveSession): void {
    live.users--;
    if (live.users > 0 || this.byKey.get(live.key) !== live) return;
    if (live.isEnded || !this.retain(live)) this.byKey.delete(live.key);
  }

  /** Forgets a live session that ended, or that nothing is known about any more; those who use it keep it. */
  forget(live: LiveSession): void {
    if (this.byKey.get(live.key) === live) this.byKey.delete(live.key);
  }

  private async join(live: LiveSession): Promise<LiveSession | undefined> {
    live.users++;
    try {
      const fresh = !live.isEnded && !this.store.isShared && live.isFresh(this.touchIntervalMs);
      if (fresh || (await live.revalidate())) return live;
    } catch (error) {
      this.release(live);
      throw error;
    }
    this.release(live);
    return undefined;
  }

  private async load(key: SessionKey): Promise<LiveSession | undefined> {
    const result = await this.store.load(key);
    if (result.outcome !== 'found') return undefined;
    return this.add(LiveSession.loaded(key, this.store, this.clock, result.record));
  }

  private add(live: LiveSession): LiveSession {
    live.users++;
    this.byKey.set(live.key, live);
    return live;
  }
}
