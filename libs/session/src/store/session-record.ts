const ZERO = '0'.charCodeAt(0);

/** One named part of a session as stored: a bean, or state of the library itself under a name that starts with `@`. */
export interface StoredPart {
  /** Stamp of the save that wrote this payload. */
  readonly version: string;

  /** Opaque to the store. */
  readonly payload: string;
}

/** When a session began and when it ends, in ms since 1970 by the clock of the store. */
export interface SessionTimes {
  readonly createdAt: number;

  /** When its principal logged in last. Undefined where nobody is logged in. */
  readonly authenticatedAt: number | undefined;

  /** Last request that moved the end of life; not every request does (`touchIntervalMs`). */
  readonly lastAccessedAt: number;

  readonly expiresAt: number;

  /** False until a request came back with an id of the session. */
  readonly joined: boolean;

  /** False until a request came back with the present id of the session. */
  readonly confirmed: boolean;

  /** Where an epoch of the store is a number of its own: that of the session, which counts instead of `createdAt`. */
  readonly era?: number | undefined;
}

/** [E1] A session up to this epoch is over. */
export function isUpToEpoch({ era, createdAt }: Pick<SessionTimes, 'era' | 'createdAt'>, epoch: number): boolean {
  return (era ?? createdAt) <= epoch;
}

/** Whose a session is, and which of its ids is valid. Only a save with a new proof changes it. */
export interface SessionIdentity {
  /** Proof of the present id. */
  readonly proof: string;

  /** How often the id was renewed. */
  readonly generation: number;

  /**
   * How often the principal has changed: 0 for an anonymous session. It is part of the handle, so that what was begun
   * for one principal does not go on in the session of the next.
   */
  readonly logins: number;

  /** The application's name for the user who is logged in. */
  readonly principal: string | undefined;
}

/** A session as a store keeps it. */
export interface SessionRecord extends SessionTimes, SessionIdentity {
  /**
   * `<n>.<writeId>` of the last save: n grows by one with each save, and no two saves have the same stamp, not even
   * after a failover that lost some of them.
   */
  readonly stamp: string;

  readonly lifetime: SessionLifetime;

  readonly parts: ReadonlyMap<string, StoredPart>;
}

/**
 * How often a session with this stamp has been saved. Digit by digit, since each write asks several times, and
 * `Number.parseInt` of a text that was just put together took 80 ns.
 */
export function savesOf(stamp: string): number {
  let saves = 0;
  for (let at = 0; ; at++) {
    const digit = stamp.charCodeAt(at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return saves;
    saves = 10 * saves + digit;
  }
}

/**
 * The stamp of the save that comes after the one with `stamp`.
 * Not put together with `+`: V8 would keep its three pieces, which are larger.
 *
 * @param stamp undefined for the save that creates the session
 */
export function stampAfter(stamp: string | undefined, writeId: string): string {
  return [stamp === undefined ? 1 : savesOf(stamp) + 1, writeId].join('.');
}

/**
 * How long a session lives. Durations, not points in time: the store applies them with its own clock, so the clocks of
 * the application servers do not matter.
 */
export interface SessionLifetime {
  /** Ends after this many ms without a request, once the client has joined. */
  readonly idleTimeoutMs: number;

  /** Ends this many ms after the login, or after its creation where nobody is logged in, whatever happens. */
  readonly absoluteTimeoutMs: number;

  /**
   * Until the client has shown that it keeps the id, by coming back with it once, the session ends after this many ms.
   * Bounds what clients cost that never send a cookie back.
   */
  readonly unjoinedTimeoutMs: number;
}

/** When a session ends that was last used at `lastAccessedAt`: the formula of all stores (Lua scripts repeat it). */
export function sessionExpiry(
  times: Pick<SessionTimes, 'createdAt' | 'authenticatedAt' | 'lastAccessedAt' | 'joined'>,
  lifetime: SessionLifetime,
): number {
  const idle = times.joined ? lifetime.idleTimeoutMs : Math.min(lifetime.idleTimeoutMs, lifetime.unjoinedTimeoutMs);
  const began = times.authenticatedAt ?? times.createdAt;
  return Math.min(times.lastAccessedAt + idle, began + lifetime.absoluteTimeoutMs);
}
