import {
  type Clock,
  ExpiryWheel,
  sessionBytes,
  type SessionKey,
  type SessionLifetime,
} from 'nestjs-session-beans/store-kit';
import { isTombstone, type Tombstone } from './tombstone.js';
import type { Replica } from './replica.js';
import type { SessionState } from './session-state.js';

/** Share of `maxBytes` that new sessions may use; the rest is for living ones to grow. */
const BYTES_FOR_NEW_SESSIONS = 0.9;

/** Ended keys that are remembered; beyond it the oldest are forgotten first. They are small and short-lived, and no sessions. */
const MOST_TOMBSTONES = 50_000;

const SWEEP_LIMIT = { usual: 5_000, full: 5_000 } as const;

/**
 * All copies of this member, primary and backup alike, within its bounds. The only place that changes a replica, so that its counts are right and the
 * handlers of messages, which never wait, see one consistent table.
 */
export class ReplicaTable {
  private readonly sessions = new Map<SessionKey, Replica>();
  private readonly tombstones = new Map<SessionKey, Replica>();
  private readonly wheel: ExpiryWheel<Replica>;
  private usedBytes = 0;
  private lastLifetime: SessionLifetime | undefined = undefined;

  primaries = 0;
  alone = 0;

  /** Longest idle timeout that a session here has had, in ms. */
  longestIdleMs = 0;

  constructor(
    private readonly bounds: { readonly maxSessions: number; readonly maxBytes: number; readonly clock: Clock },
  ) {
    this.wheel = new ExpiryWheel(bounds.clock.now());
  }

  get size(): number {
    return this.sessions.size;
  }

  get bytes(): number {
    return this.usedBytes;
  }

  get(key: SessionKey): Replica | undefined {
    return this.sessions.get(key) ?? this.tombstones.get(key);
  }

  /** Living sessions; what is changed during the iteration may come or not. */
  replicas(): IterableIterator<Replica> {
    return this.sessions.values();
  }

  /** Which bound stands against this state of the session, if any. Frees what has expired before it says so. */
  boundAgainst(key: SessionKey, state: SessionState | Tombstone): 'maxSessions' | 'maxBytes' | undefined {
    if (!this.exceeded(key, state)) return undefined;
    this.sweep(SWEEP_LIMIT.full);
    return this.exceeded(key, state);
  }

  /** Takes the place of what is there. */
  install(replica: Replica): void {
    const before = this.get(replica.key);
    if (before) this.remove(before);
    if (isTombstone(replica.state)) {
      this.tombstones.set(replica.key, replica);
      const [oldest] = this.tombstones.values();
      if (oldest && this.tombstones.size > MOST_TOMBSTONES) this.remove(oldest);
    } else {
      this.share(replica, replica.state);
      this.sessions.set(replica.key, replica);
      this.usedBytes += sessionBytes(replica.state.parts);
    }
    this.count(replica, 1);
    this.wheel.add(replica);
  }

  /** The next state at the same epoch. */
  advance(replica: Replica, seq: number, state: SessionState | Tombstone): void {
    if (isTombstone(state) || isTombstone(replica.state)) {
      this.remove(replica);
      replica.seq = seq;
      replica.state = state;
      this.install(replica);
      return;
    }
    if (state.parts !== replica.state.parts) {
      this.usedBytes += sessionBytes(state.parts) - sessionBytes(replica.state.parts);
    }
    replica.seq = seq;
    this.share(replica, state);
    this.wheel.reschedule(replica);
  }

  /** Ends the epoch at this copy. */
  fence(replica: Replica): void {
    if (replica.fenced) return;
    this.count(replica, -1);
    replica.fenced = true;
    this.count(replica, 1);
  }

  remove(replica: Replica): void {
    this.wheel.remove(replica);
    this.forget(replica);
  }

  sweep(limit: number = SWEEP_LIMIT.usual): void {
    this.wheel.sweep(this.bounds.clock.now(), limit, this.forget);
  }

  private readonly forget = (replica: Replica): void => {
    this.count(replica, -1);
    if (isTombstone(replica.state)) this.tombstones.delete(replica.key);
    else if (this.sessions.delete(replica.key)) this.usedBytes -= sessionBytes(replica.state.parts);
  };

  private count(replica: Replica, by: 1 | -1): void {
    if (!replica.isOwn || replica.fenced || isTombstone(replica.state)) return;
    this.primaries += by;
    if (replica.isAlone) this.alone += by;
  }

  private exceeded(key: SessionKey, state: SessionState | Tombstone): 'maxSessions' | 'maxBytes' | undefined {
    if (isTombstone(state)) return undefined;
    const { maxSessions, maxBytes } = this.bounds;
    const before = this.sessions.get(key);
    const had = before && !isTombstone(before.state) ? sessionBytes(before.state.parts) : 0;
    const growth = sessionBytes(state.parts) - had;
    if (!before && this.sessions.size >= maxSessions) return 'maxSessions';
    const limit = before ? maxBytes : BYTES_FOR_NEW_SESSIONS * maxBytes;
    return growth > 0 && this.usedBytes + growth > limit ? 'maxBytes' : undefined;
  }

  /** Nearly all sessions have the lifetime of the module's options: they share one copy of it. */
  private share(replica: Replica, state: SessionState): void {
    const last = this.lastLifetime;
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = state.lifetime;
    this.longestIdleMs = Math.max(this.longestIdleMs, idleTimeoutMs);
    const isSame =
      last?.idleTimeoutMs === idleTimeoutMs &&
      last.absoluteTimeoutMs === absoluteTimeoutMs &&
      last.unjoinedTimeoutMs === unjoinedTimeoutMs;
    if (!isSame) this.lastLifetime = state.lifetime;
    replica.state = isSame && last !== state.lifetime ? { ...state, lifetime: last } : state;
  }
}
