import {
  type Clock,
  EvictingTable,
  ExpiryWheel,
  ownText,
  type SessionKey,
  SharedLifetime,
  type TableBounds,
} from 'nestjs-session-beans/store-kit';
import { EndedSessions } from './ended-sessions.js';
import { PrincipalCopies } from './principal-copies.js';
import { type Replica, sizeOf } from './replica.js';
import { rankOf, type SessionState } from './session-state.js';
import { isTombstone, type Tombstone } from './tombstone.js';

/** Copies of sessions whose end is not final yet: a few at a time. Above it the oldest is forgotten. */
const MOST_ENDING = 50_000;

/** Of those, how many one sweep looks at. */
const MOST_PER_SWEEP = 5_000;

/**
 * All copies of this member, primary and backup alike, within its bounds. None is removed before its time: members take
 * a missing copy as the word of its holder that the session never was at that epoch, or has ended. Where room is needed
 * sessions are ended.
 *
 * No other code changes a replica, so the counts are right, and the handlers of messages, which never wait, see one
 * consistent table.
 */
export class ReplicaTable {
  private readonly sessions: EvictingTable<Replica>;

  /** Copies whose state is an end that is not final. */
  private readonly ending = new Map<SessionKey, Replica>();
  private readonly endingWheel: ExpiryWheel<Replica>;

  private readonly ended: EndedSessions;
  private readonly principals = new PrincipalCopies();
  private readonly lifetimes = new SharedLifetime();
  private readonly clock: Clock;

  /** Sessions whose primary this member is. */
  primaries = 0;

  /** Those of them that have no backup. */
  alone = 0;

  /** Sessions that this member has ended to make room. */
  evicted = 0;

  /** The longest idle timeout that a session here has had, in ms. */
  longestIdleMs = 0;

  constructor(options: TableBounds & { readonly clock: Clock }) {
    this.clock = options.clock;
    const now = this.clock.now();
    this.sessions = new EvictingTable(options, now, (replica) => {
      this.count(replica, -1);
      this.principals.remove(replica);
    });
    this.endingWheel = new ExpiryWheel(now);
    this.ended = new EndedSessions(options.maxSessions);
  }

  get size(): number {
    return this.sessions.size;
  }

  get bytes(): number {
    return this.sessions.bytes;
  }

  get(key: SessionKey): Replica | undefined {
    return this.sessions.get(key) ?? this.ending.get(key);
  }

  /** [M4] How the session has ended, if it has ended for good. There is no copy of it here then. */
  endOf(key: SessionKey): Tombstone | undefined {
    return this.ended.get(key);
  }

  /** The copies of living sessions. A change during the iteration may be seen or not. */
  replicas(): IterableIterator<Replica> {
    return this.sessions.values();
  }

  /** The sessions of the principal of which this member has a copy, or has given one away a moment ago. */
  keysOf(principal: string): Set<SessionKey> {
    return this.principals.keysOf(principal, this.clock.now());
  }

  /** See `BoundedTable.filled`. */
  get filled(): number {
    return this.sessions.filled;
  }

  /** The bound that this state of the session would pass. Frees what has expired before it says so. */
  boundAgainst(key: SessionKey, state: SessionState | Tombstone): keyof TableBounds | undefined {
    if (isTombstone(state)) return undefined;
    return this.sessions.boundAgainst(this.sessions.get(key), sizeOf(state), this.clock.now());
  }

  /**
   * The sessions of this member that have to go to make room for this state, in the order of the core's tables.
   *
   * @param mayGo whether the copy can go now
   * @returns undefined where not enough may go
   */
  copiesToGo(key: SessionKey, state: SessionState, mayGo: (replica: Replica) => boolean): Replica[] | undefined {
    const request = { entry: this.sessions.get(key), rank: rankOf(state), bytes: sizeOf(state) };
    return this.sessions.sessionsToGo(request, this.clock.now(), mayGo);
  }

  /** Keeps the room for this state while other members are told of it. @returns gives it back */
  reserve(key: SessionKey, state: SessionState | Tombstone): () => void {
    return this.sessions.reserve(this.sessions.get(key), sizeOf(state));
  }

  /** Replaces the copy that this member has of the session, if it has one. */
  install(replica: Replica): void {
    const before = this.get(replica.key);
    if (before) this.take(before);
    if (isTombstone(replica.state)) {
      this.ending.set(replica.key, replica);
      this.endingWheel.add(replica);
      const [oldest] = this.ending.values();
      if (oldest && this.ending.size > MOST_ENDING) this.take(oldest);
      return;
    }
    this.setState(replica, replica.state);
    this.count(replica, 1);
    this.sessions.add(replica);
    this.principals.add(replica);
  }

  /** Sets the next state at the same epoch. */
  advance(replica: Replica, seq: number, state: SessionState | Tombstone): void {
    if (isTombstone(state) || isTombstone(replica.state)) {
      this.take(replica);
      replica.seq = seq;
      replica.state = state;
      replica.bytes = sizeOf(state);
      this.install(replica);
      return;
    }
    if (state.parts !== replica.state.parts) this.sessions.resize(replica, sizeOf(state));
    if (state.proof !== replica.state.proof) replica.locator = undefined;
    const { lastAccessedAt } = replica;
    replica.seq = seq;
    const isLogin = state.identity.principal !== replica.principal;
    if (isLogin) this.principals.remove(replica);
    this.setState(replica, state);
    if (isLogin) this.principals.add(replica);
    this.sessions.used(replica, lastAccessedAt);
  }

  /** [M4] The session has ended for good. */
  end(key: SessionKey, tombstone: Tombstone): void {
    const replica = this.get(key);
    if (replica) this.take(replica);
    this.ended.add(replica?.key ?? ownText(key), tombstone);
  }

  /** Ends the epoch at this copy. */
  fence(replica: Replica): void {
    if (replica.fenced) return;
    // A copy that has left the table, because it expired, is counted no more.
    const isCounted = this.get(replica.key) === replica;
    if (isCounted) this.count(replica, -1);
    replica.fenced = true;
    if (isCounted) this.count(replica, 1);
    if (isCounted && !isTombstone(replica.state)) this.sessions.used(replica, replica.lastAccessedAt);
  }

  /** This member gives the copy away: others have the session, or nobody. */
  remove(replica: Replica): void {
    this.principals.noteDeparture(replica, this.clock.now());
    this.take(replica);
  }

  private take(replica: Replica): void {
    if (!isTombstone(replica.state)) return this.sessions.remove(replica);
    this.endingWheel.remove(replica);
    this.forgetEnding(replica);
  }

  /** Frees what has expired, in a slice. */
  sweep(): void {
    const now = this.clock.now();
    this.sessions.sweep(now);
    this.principals.forgetOld(now);
    this.endingWheel.sweep(now, MOST_PER_SWEEP, this.forgetEnding);
    this.ended.sweep(now);
  }

  private readonly forgetEnding = (replica: Replica): void => {
    this.ending.delete(replica.key);
  };

  private count(replica: Replica, by: 1 | -1): void {
    if (!replica.isOwn || replica.fenced || isTombstone(replica.state)) return;
    this.primaries += by;
    if (replica.isAlone) this.alone += by;
  }

  private setState(replica: Replica, state: SessionState): void {
    const lifetime = this.lifetimes.of(state.lifetime);
    this.longestIdleMs = Math.max(this.longestIdleMs, lifetime.idleTimeoutMs);
    replica.state = lifetime === state.lifetime ? state : { ...state, lifetime };
  }
}
