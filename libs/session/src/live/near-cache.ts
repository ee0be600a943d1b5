import { RecencyList } from '../store/recency-list.js';
import type { LiveSession } from './live-session.js';

/** The option `nearCache` of the module with its defaults in place. */
export interface NearCacheSettings {
  /**
   * `validate`: each request asks the store whether the copy is still the newest. `bounded`: no request asks while the
   * store tells this server of changes elsewhere.
   */
  readonly mode: 'validate' | 'bounded';

  /** How many live sessions may stay without a request. */
  readonly maxSessions: number;

  /** About how many bytes they may take. */
  readonly maxBytes: number;

  /** `bounded`: how old, in ms, the last sign may be that the store has told everything. */
  readonly maxStalenessMs: number;
}

/** Heap of a live session without any state: itself, its maps, its head. Measured: 1.3 KB, and 250 bytes a part. */
const BYTES_OF_SESSION = 1_600;
const BYTES_OF_PART = 400;

/** Of a payload. One where all its characters are Latin-1. */
const BYTES_OF_CHARACTER = 2;

/**
 * The live sessions that stay after their last request, so that the next request finds their state.
 * Bounded by number and bytes: the sessions that were unused for longest go first, which costs their next request a
 * load and loses nothing, since everything in them is stored.
 */
export class NearCache {
  /** Sessions without a request. */
  private readonly idle = new RecencyList<LiveSession>();
  private count = 0;
  private used = 0;

  constructor(private readonly settings: NearCacheSettings) {}

  /** Whether the store has to tell it of changes elsewhere. */
  get listens(): boolean {
    return this.settings.mode === 'bounded';
  }

  /** Sessions kept now. For metrics and tests. */
  get size(): number {
    return this.count;
  }

  /** Bytes that the kept sessions are counted for. For metrics and tests. */
  get bytes(): number {
    return this.used;
  }

  /**
   * Keeps a live session whose last request is over.
   * @returns the sessions that go to make room: `live` itself when it is too large
   */
  keep(live: LiveSession): LiveSession[] {
    live.keptBytes = estimatedBytes(live);
    this.idle.add(live);
    this.count++;
    this.used += live.keptBytes;
    const { maxSessions, maxBytes } = this.settings;
    const evicted: LiveSession[] = [];
    for (const oldest of this.idle) {
      const isOver = this.count > maxSessions || this.used > maxBytes;
      if (!isOver && !isOverdue(oldest)) break;
      this.remove(oldest);
      evicted.push(oldest);
    }
    return evicted;
  }

  /** A request uses the session, or it has ended. */
  remove(live: LiveSession): void {
    if (live.keptBytes === 0) return;
    this.idle.remove(live);
    this.count--;
    this.used -= live.keptBytes;
    live.keptBytes = 0;
  }

  /**
   * Whether a request may be served from this copy without asking the store.
   * @param saves how often the session had been saved when the client was last shown it; undefined when it does not say
   */
  trusts(live: LiveSession, saves: number | undefined): boolean {
    const { watch } = live.stored.location;
    if (!this.listens || watch === undefined || saves === undefined || live.stored.saves < saves) return false;
    // Asked at each hit: a process that slept, or was cut off, finds the last sign too old.
    return performance.now() - watch.toldUntil <= this.settings.maxStalenessMs && live.isFresh();
  }
}

/** About how much heap a live session without requests takes, in bytes. */
export function estimatedBytes({ stored: { payloads } }: LiveSession): number {
  let bytes = BYTES_OF_SESSION;
  for (const payload of payloads.values()) bytes += BYTES_OF_PART + BYTES_OF_CHARACTER * payload.length;
  return bytes;
}

/** No request came in time: the session has expired, or is about to. */
function isOverdue(live: LiveSession): boolean {
  return live.stored.isIdleFor(live.stored.lifetime.idleTimeoutMs);
}
