import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { WireLivingState } from '../copy/wire-state.js';

/**
 * Asks for the sessions of a principal. The receiver tells those that it serves, and names those of which it has
 * another copy, or had one a moment ago: one that moves meanwhile is named by somebody.
 */
export interface ListMessage {
  readonly type: 'list';
  readonly principal: string;

  /** Names of the parts that the sender wants. */
  readonly parts: readonly string[];

  /** `next` of the answer before, empty at first. */
  readonly after: SessionKey;
}

export interface ListAnswer {
  readonly type: 'listed';

  /** The receiver is the primary, and there is no newer state. */
  readonly sessions: readonly ListedState[];

  /** Others may serve these. */
  readonly unsure: readonly SessionKey[];

  /** There may be more sessions with greater keys than this. */
  readonly next?: SessionKey;
  readonly at: number;
}

export type ListedState = readonly [key: SessionKey, state: WireLivingState];

/** Asks whether the principal is logged in to sessions that nobody has told of, and some have named. */
export interface ResolveMessage {
  readonly type: 'resolve';
  readonly principal: string;
  readonly parts: readonly string[];
  readonly keys: readonly SessionKey[];
}

/** Says nothing of sessions that the receiver does not serve, unless they have ended. */
export interface ResolveAnswer {
  readonly type: 'resolved';
  readonly sessions: readonly ListedState[];

  /** The principal is not logged in to these, or they are over. */
  readonly none: readonly SessionKey[];
  readonly at: number;
}

/**
 * Asks the member that counts the logins of a principal for a place, or to keep one: a login is about to be saved.
 */
export interface ReserveMessage {
  readonly type: 'reserve';
  readonly principal: string;

  /** The session that logs in. */
  readonly key: SessionKey;

  /** Names this login. */
  readonly token: string;
}

export interface ReserveAnswer {
  readonly type: 'reserved';

  /** Sessions whose logins asked before, and may be saved yet. */
  readonly before: readonly SessionKey[];
}

/** The login is saved, or will not be. */
export interface ReleaseMessage {
  readonly type: 'release';
  readonly principal: string;
  readonly token: string;
}
