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

  /** Last request that moved the end of life; not every request does (`touchIntervalMs`). */
  readonly lastAccessedAt: number;

  readonly expiresAt: number;

  /** False until a request came back with the id. */
  readonly joined: boolean;
}

/** A session as a store keeps it. */
export interface SessionRecord extends SessionTimes {
  /**
   * `<n>.<writeId>` of the last save: n grows by one with each save, and no two saves have the same stamp, not even
   * after a failover that lost some of them.
   */
  readonly stamp: string;

  readonly lifetime: SessionLifetime;

  readonly parts: ReadonlyMap<string, StoredPart>;
}

/**
 * How long a session lives. Durations, not points in time: the store applies them with its own clock, so the clocks of
 * the application servers do not matter.
 */
export interface SessionLifetime {
  /** Ends after this many ms without a request, once the client has joined. */
  readonly idleTimeoutMs: number;

  /** Ends this many ms after its creation, whatever happens. */
  readonly absoluteTimeoutMs: number;

  /**
   * Until the client has shown that it keeps the id, by coming back with it once, the session ends after this many ms.
   * Bounds what clients cost that never send a cookie back.
   */
  readonly unjoinedTimeoutMs: number;
}

/** When a session ends that was last used at `lastAccessedAt`: the formula of all stores (Lua scripts repeat it). */
export function sessionExpiry(
  times: { readonly createdAt: number; readonly lastAccessedAt: number; readonly joined: boolean },
  lifetime: SessionLifetime,
): number {
  const idle = times.joined ? lifetime.idleTimeoutMs : Math.min(lifetime.idleTimeoutMs, lifetime.unjoinedTimeoutMs);
  return Math.min(times.lastAccessedAt + idle, times.createdAt + lifetime.absoluteTimeoutMs);
}
