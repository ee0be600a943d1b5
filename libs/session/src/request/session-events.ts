import type { SessionConflict } from '../errors/session-conflict.error.js';
import { SessionBusyError } from '../errors/session-busy.error.js';
import { type SessionEndReason, SessionEndedError } from '../errors/session-ended.error.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import type { LiveSession } from '../live/live-session.js';
import type { SessionEnds } from '../live/session-ends.js';
import { isPromise } from '../store/maybe-promise.js';
import { type SessionHandle, parseSessionHandle, sessionHandle } from '../store/session-handle.js';
import { type SessionKey, sessionHash } from '../store/session-id.js';

/** Which session an event is about. Nothing of it is a credential. */
export interface SessionRef {
  /** 8 characters that tell sessions apart in logs. They stay the same when the session gets a new id. */
  readonly hash: string;

  /** Undefined where this server does not have the session. */
  readonly handle: SessionHandle | undefined;

  /** The user who is logged in; undefined when no user is, or where this server does not have the session. */
  readonly principal: string | undefined;
}

/** Why a request has not the session that its client may have: see the event `ignored`. */
export const IGNORED_REASONS = ['unknown', 'malformed', 'wrong-signature', 'ambiguous', 'withheld'] as const;
export type IgnoredReason = (typeof IGNORED_REASONS)[number];

/** Why changes with `writeBehindMs` were not stored: see the event `writeBehindDropped`. */
export const DROP_REASONS = ['ended', 'store-failed', 'refused'] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What happens to sessions, for audit logs and metrics. Events may get more properties. */
export interface SessionEventMap {
  /** A session was created and stored. */
  created: { readonly session: SessionRef };

  /** A principal logged in, to this session or again. */
  login: { readonly session: SessionRef };

  /** The session got a new id; the former one is dead. */
  renewed: { readonly session: SessionRef };

  /**
   * The session was ended, or is known to be lost. Told once over all servers, by the one that has ended it; by none if
   * that dies in between, or never hears from the store that it has. Its expiry is told by the memory store only, and
   * its loss by each server that finds it.
   */
  ended: { readonly session: SessionRef; readonly reason: SessionEndReason };

  /**
   * A request goes on without the session that its client may have. More reasons may come.
   *
   * - `unknown`: it presented an id that opens nothing. The session has expired or ended, or the id was made up: no
   *   store tells these apart.
   * - `malformed`: it presented a text that is no id.
   * - `wrong-signature`: it presented an id that none of the `signingKeys` has signed.
   * - `ambiguous`: it presented several ids of sessions that live, or more than three.
   * - `withheld`: it came from another site, so that the browser did not send the cookie, or is a beacon; it has
   *   started a session, whose id its client was not given.
   */
  ignored: { readonly reason: IgnoredReason | (string & {}) };

  /**
   * A request was not allowed to start a session, by the option `admission`: the client has started too many (`rate`),
   * or `admission.admit` refused (`hook`). More reasons may come.
   */
  admissionRefused: { readonly reason: 'rate' | 'hook' | (string & {}) };

  /** A request's changes were refused because another request had changed the same fields. All of them are named. */
  conflict: { readonly session: SessionRef; readonly conflicts: readonly SessionConflict[] };

  /**
   * Stored state could not be decoded, and `onUndecodable: 'reset'` began anew: a bean, or with `bean` undefined the
   * whole session, which stays in the store as it is while the client goes on without it.
   */
  undecodable: { readonly session: SessionRef; readonly bean: string | undefined; readonly error: Error };

  /** A call of the store failed, or took longer than `storeTimeoutMs`. */
  storeFailed: { readonly store: string; readonly operation: SessionStoreError['operation']; readonly error: Error };

  /**
   * The store has filled up to `fraction` of its bounds (0.8 and more), told once each time. When it is full, anonymous
   * sessions go that nobody came back to, or that are idle, or new ones are refused, as its documentation says.
   */
  nearlyFull: { readonly store: string; readonly fraction: number };

  /** The changes of a request whose response said failure anyway (status 400 and above) could not be stored. */
  notStored: { readonly session: SessionRef | undefined; readonly error: Error };

  /**
   * Changes of beans with `writeBehindMs`, whose requests were answered long ago, will not be stored. More reasons may
   * come.
   *
   * - `ended`: the session had ended, or had got another id on another server, before they were stored.
   * - `store-failed`: the store failed while they waited for it or were on their way; it may have them nevertheless.
   * - `refused`: another server had changed the same, and the merge rule of a field refuses that or has failed; or the
   *   session would have become too large.
   */
  writeBehindDropped: {
    readonly session: SessionRef;
    readonly beans: readonly string[];
    readonly reason: DropReason | (string & {});
    readonly error: Error;
  };
}

/** Why changes are dropped that meet this error when they should be stored. */
export function dropReason(error: Error): DropReason {
  if (error instanceof SessionEndedError) return 'ended';
  return error instanceof SessionStoreError || error instanceof SessionBusyError ? 'store-failed' : 'refused';
}

/** The session of an event. */
export function sessionRef({ key, stored: { identity } }: LiveSession): SessionRef {
  return Object.freeze({
    hash: sessionHash(key),
    handle: sessionHandle({ key, logins: identity.logins }),
    principal: identity.principal,
  });
}

/** A session that this server does not have. */
export function unknownSession(key: SessionKey): SessionRef {
  return Object.freeze({ hash: sessionHash(key), handle: undefined, principal: undefined });
}

/** Tells `ends` of what this server does. */
export function followEnds(events: SessionEvents, ends: SessionEnds): void {
  events.on('ended', ({ session: { handle, hash }, reason }) => {
    const named = handle && parseSessionHandle(handle);
    if (named) ends.ended(named, reason);
    else ends.doubt(hash);
  });
  events.on('login', ({ session: { handle } }) => {
    const named = handle && parseSessionHandle(handle);
    if (named) ends.loggedIn(named);
  });
}

type Listener<K extends keyof SessionEventMap> = (event: SessionEventMap[K]) => unknown;

/**
 * Tells listeners what happens to sessions on this server. Injectable; listeners are called right after the fact. A
 * listener may be asynchronous: nothing waits for it. What it throws, or rejects with, is logged, and stops neither the
 * request nor the other listeners. All of them get the same event, which is frozen.
 *
 * @example `events.on('conflict', ({ conflicts }) => metrics.count('conflict', { bean: conflicts[0]?.bean }));`
 */
export class SessionEvents {
  private readonly listeners = new Map<keyof SessionEventMap, Set<Listener<never>>>();

  constructor(private readonly onListenerError: (error: unknown) => void = () => undefined) {}

  /** @returns a function that stops listening */
  on<K extends keyof SessionEventMap>(name: K, listener: Listener<K>): () => void {
    const listeners = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, listeners.add(listener));
    return () => void listeners.delete(listener);
  }

  /** @internal */
  emit<K extends keyof SessionEventMap>(name: K, event: SessionEventMap[K]): void {
    Object.freeze(event);
    for (const listener of this.listeners.get(name) ?? []) {
      try {
        const told = (listener as Listener<K>)(event);
        if (isPromise(told)) told.catch(this.onListenerError);
      } catch (error) {
        this.onListenerError(error);
      }
    }
  }
}
