import type { SessionLifetime } from '../store/session-record.js';

/** A login that a request asked for. */
export interface PendingLogin {
  readonly principal: string;

  /** Names of the parts that go on after it; undefined: all. */
  readonly keep: readonly string[] | undefined;

  /** How many sessions the principal may have with this one; undefined where a login is never refused. */
  readonly mostSessions?: number | undefined;
}

/** Actions that a request asked for besides changing beans; its next commit does them. */
export interface PendingActions {
  /** `start()`: store the session even if no bean changed. */
  readonly start: boolean;

  /** `renewId()` or `login()`: replace the id. */
  readonly renew: boolean;

  /** The session that starts takes the place of the one that the client had: see `SessionLifecycle.regenerate`. */
  readonly replace: boolean;

  readonly login: PendingLogin | undefined;

  /** `setTimeouts()`, or those of `login()`: what is to be stored. */
  readonly timeouts: Readonly<Partial<SessionLifetime>> | undefined;
}

/** Nothing was asked for. */
export const NO_ACTIONS: PendingActions = Object.freeze({
  start: false,
  renew: false,
  replace: false,
  login: undefined,
  timeouts: undefined,
});
