import { SessionEndedError, type SessionEndReason } from '../errors/session-ended.error.js';
import type { Clock } from '../store/clock.js';
import { isPromise } from '../store/maybe-promise.js';
import type { NamedByHandle } from '../store/session-handle.js';
import { type SessionKey, sessionHash } from '../store/session-id.js';
import type { SessionTimes } from '../store/session-record.js';
import type { LoadResult, SessionWatch } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** While the store does not tell of changes, it is asked so often, in ms, whether a watched session is still there. */
const LOOK_INTERVAL_MS = 5_000;

/** So often it is checked which sessions have to be looked at. */
const TICK_MS = 1_000;

/** Looks under way at once: a thousand sessions may be in doubt at the same moment. */
const MOST_LOOKS = 50;

/** Is called once, when the session has ended. */
export type EndListener = (error: SessionEndedError) => void;

/** A session that somebody watches. */
interface WatchedSession {
  readonly session: NamedByHandle;
  readonly listeners: Set<EndListener>;

  /** The stamp, place and watch that the last answer of the store had. */
  stamp: string | undefined;
  locator: string | undefined;
  watch: SessionWatch | undefined;

  /** Undefined until the first look was answered. */
  began: Pick<SessionTimes, 'era' | 'createdAt'> | undefined;
  expiresAt: number;

  /** By `performance.now()`. */
  lookedAt: number;
  isLooking: boolean;

  /** Something has happened since the look under way was sent: its answer may be from before. */
  isDoubted: boolean;
}

/**
 * Tells those who watch a session when it ends, whoever ends it: a logout, a login of another principal, an operator, a
 * timeout, the loss of all copies. Sessions that nobody watches cost nothing.
 *
 * Invariants:
 * 1. An end is told once to each listener that has not stopped before: in the same turn if this server has ended the
 *    session, otherwise after the first look that was sent after the end and that the store has answered.
 * 2. Each watched session is being looked at, or is about to be; or the store tells of its changes, and has told all of
 *    them up to a moment less than `LOOK_INTERVAL_MS` ago; or it was looked at less than `LOOK_INTERVAL_MS` ago (each
 *    plus `TICK_MS`). When its time is over, it is looked at.
 * 3. Only the word of this server's life cycle, or of the store, that no session has that handle ends a watch. A store
 *    that fails, a notice of a change, a new id for the same principal do not.
 */
export class SessionEnds {
  private readonly watched = new Map<SessionKey, readonly WatchedSession[]>();
  private readonly due = new Set<WatchedSession>();
  private looks = 0;
  private ticks: NodeJS.Timeout | undefined;
  private isTold: boolean | undefined;

  constructor(
    private readonly gateway: StoreGateway,
    private readonly clock: Clock,
  ) {}

  /** How many sessions are watched. For tests and metrics. */
  get size(): number {
    return this.watched.size;
  }

  /**
   * Calls `onEnded` once when no session has this handle any more: later than this call, also where that is so already.
   * @returns a function that stops it
   */
  watch(session: NamedByHandle, onEnded: EndListener): () => void {
    const watched = this.find(session) ?? this.add(session);
    watched.listeners.add(onEnded);
    return () => {
      watched.listeners.delete(onEnded);
      if (watched.listeners.size === 0) this.remove(watched);
    };
  }

  /** This server has ended the session, or was told so by the store. */
  ended(session: NamedByHandle, reason: SessionEndReason): void {
    const watched = this.find(session);
    if (watched) this.end(watched, reason);
  }

  /** A principal has logged in: what has the same key and other logins is over. */
  loggedIn({ key, logins }: NamedByHandle): void {
    for (const watched of this.watched.get(key) ?? NONE) {
      if (watched.session.logins !== logins) this.end(watched, 'login');
    }
  }

  /** All sessions are over that began so early, by the gateway's word. */
  allEnded(): void {
    for (const watched of [...this.watched.values()].flat()) {
      const { began } = watched;
      if (began && this.gateway.isOver(began)) this.end(watched, 'revoked');
    }
  }

  /** Sessions with this hash may have ended. */
  doubt(hash: string): void {
    for (const key of this.watched.keys()) if (sessionHash(key) === hash) this.changed(key);
  }

  /** Forgets all listeners without a call of them. */
  close(): void {
    for (const watched of [...this.watched.values()].flat()) this.remove(watched);
  }

  private find({ key, logins }: NamedByHandle): WatchedSession | undefined {
    return this.watched.get(key)?.find(({ session }) => session.logins === logins);
  }

  private add(session: NamedByHandle): WatchedSession {
    this.subscribe();
    const watched: WatchedSession = {
      session,
      listeners: new Set(),
      stamp: undefined,
      locator: undefined,
      watch: undefined,
      began: undefined,
      expiresAt: Infinity,
      lookedAt: 0,
      isLooking: false,
      isDoubted: false,
    };
    const { key } = session;
    this.watched.set(key, [...(this.watched.get(key) ?? NONE), watched]);
    this.ticks ??= setInterval(() => this.tick(), TICK_MS).unref();
    // It may have ended since the caller was told of it; and from the answer on, the store tells of its changes.
    this.due.add(watched);
    setImmediate(() => this.lookAtDue());
    return watched;
  }

  private remove(watched: WatchedSession): void {
    const { key } = watched.session;
    const others = (this.watched.get(key) ?? NONE).filter((other) => other !== watched);
    if (others.length > 0) this.watched.set(key, others);
    else this.watched.delete(key);
    this.due.delete(watched);
    watched.listeners.clear();
    if (this.watched.size > 0) return;
    clearInterval(this.ticks);
    this.ticks = undefined;
  }

  /** Once, and not before somebody watches a session: stores open connections for it. */
  private subscribe(): void {
    if (this.isTold !== undefined) return;
    try {
      this.isTold = this.gateway.subscribe((key) => this.changed(key));
    } catch {
      // Another application of this process is told by this store, which has one listener: this one looks by itself.
      this.isTold = false;
    }
  }

  private changed(key: SessionKey): void {
    for (const watched of this.watched.get(key) ?? NONE) this.lookAt(watched);
  }

  private tick(): void {
    const now = performance.now();
    const nowInStore = this.clock.now();
    for (const sessions of this.watched.values()) {
      for (const watched of sessions) {
        const isOverdue = now - this.seenUntil(watched) >= LOOK_INTERVAL_MS || nowInStore >= watched.expiresAt;
        if (isOverdue && !watched.isLooking) this.due.add(watched);
      }
    }
    this.lookAtDue();
  }

  /** Up to this moment, by `performance.now()`, it would be known if the session had ended. */
  private seenUntil({ watch, lookedAt }: WatchedSession): number {
    return this.isTold && watch ? Math.max(watch.toldUntil, lookedAt) : lookedAt;
  }

  private lookAt(watched: WatchedSession): void {
    // Some stores tell of one change, and of the next only when the session was read again.
    watched.watch = undefined;
    if (watched.isLooking) watched.isDoubted = true;
    else this.due.add(watched);
    this.lookAtDue();
  }

  private lookAtDue(): void {
    for (const watched of this.due) {
      if (this.looks >= MOST_LOOKS) return;
      this.due.delete(watched);
      this.look(watched);
    }
  }

  private look(watched: WatchedSession): void {
    const { session, stamp, locator } = watched;
    watched.isLooking = true;
    watched.isDoubted = false;
    const sentAt = performance.now();
    this.looks++;
    try {
      const answer = this.gateway.look(session, stamp, locator);
      if (!isPromise(answer)) return this.looked(watched, sentAt, answer);
      answer.then(
        (result) => this.looked(watched, sentAt, result),
        () => this.looked(watched, sentAt, undefined),
      );
    } catch {
      this.looked(watched, sentAt, undefined);
    }
  }

  /** @param result undefined where the store has failed: it is asked again with the next tick */
  private looked(watched: WatchedSession, sentAt: number, result: LoadResult | undefined): void {
    this.looks--;
    watched.isLooking = false;
    if (result?.outcome === 'found' || result?.outcome === 'unchanged') {
      const times = result.outcome === 'found' ? result.record : result.times;
      if (this.gateway.isOver(times)) return this.end(watched, 'revoked');
      if (result.outcome === 'found') watched.stamp = result.record.stamp;
      watched.began = { era: times.era, createdAt: times.createdAt };
      watched.expiresAt = times.expiresAt;
      watched.lookedAt = sentAt;
      watched.locator = result.locator;
      watched.watch = watched.isDoubted ? undefined : result.watch;
    } else if (result) {
      this.end(watched, this.clock.now() >= watched.expiresAt ? 'expired' : undefined);
    } else {
      watched.lookedAt = -Infinity;
    }
    if (watched.isDoubted && watched.listeners.size > 0) this.due.add(watched);
    if (this.due.size > 0) setImmediate(() => this.lookAtDue());
  }

  private end(watched: WatchedSession, reason: SessionEndReason | undefined): void {
    const listeners = [...watched.listeners];
    this.remove(watched);
    for (const onEnded of listeners) onEnded(new SessionEndedError(reason));
  }
}

const NONE: readonly never[] = Object.freeze([]);
