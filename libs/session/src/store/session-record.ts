import type { SessionLifetime } from './session-lifetime.js';

/** One named part of a session as stored: a bean, or what the library itself keeps under a name that starts with `@`. */
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
