import type { SessionKey } from '../store/session-key.js';
import { liveSessionBytes } from './live-session-bytes.js';
import type { LiveSession } from './live-session.js';
import type { NearCacheSettings } from './near-cache-settings.js';

/**
 * The live sessions that stay after their last request, so that the next one finds the state, and the instances, where the last left them. Bounded
 * by number and bytes: those unused for longest go first, which costs the next request of theirs a load and loses nothing, since
 * everything in them is stored.
 */
export class NearCache {
  /** Those without a request, unused for longest first, with the bytes each is counted for. */
  private readonly idle = new Map<SessionKey, { readonly live: LiveSession; readonly bytes: number }>();
  private used = 0;

  constructor(private readonly settings: NearCacheSettings) {}

  /** Whether it has to be told what others change. */
  get listens(): boolean {
    return this.settings.mode === 'bounded';
  }

  /** Sessions kept now, and the bytes they are counted for. For metrics and tests. */
  get size(): number {
    return this.idle.size;
  }

  get bytes(): number {
    return this.used;
  }

  /**
   * The last request of a live session is over.
   * @returns those that go to make room: `live` itself when it is too large
   */
  keep(live: LiveSession): LiveSession[] {
    const bytes = liveSessionBytes(live);
    this.idle.set(live.key, { live, bytes });
    this.used += bytes;
    const { maxSessions, maxBytes } = this.settings;
    const evicted: LiveSession[] = [];
    for (const { live: oldest } of this.idle.values()) {
      const isOver = this.idle.size > maxSessions || this.used > maxBytes;
      if (!isOver && !isOverdue(oldest)) break;
      this.take(oldest);
      evicted.push(oldest);
    }
    return evicted;
  }

  /** A request uses it, or it has ended. */
  take({ key }: LiveSession): void {
    const entry = this.idle.get(key);
    if (!entry) return;
    this.idle.delete(key);
    this.used -= entry.bytes;
  }

  /**
   * Whether a request may be served from this copy without asking the store.
   * @param saves how often the session had been saved when the client was last shown it; undefined when it does not say
   */
  trusts(live: LiveSession, saves: number | undefined): boolean {
    if (!this.listens || live.watch === undefined || saves === undefined || live.saves < saves) return false;
    // Asked at each hit: a process that slept, or could not hear, finds the last sign too old.
    return performance.now() - live.watch.toldUntil <= this.settings.maxStalenessMs && live.isFresh();
  }
}

/** Nobody came back in time: it has expired, or is about to. */
function isOverdue(live: LiveSession): boolean {
  return live.isIdleFor(live.lifetime.idleTimeoutMs);
}
