import type { SessionState } from './session-state.js';

/**
 * The end of a session. As the state of a copy it is not final yet: a backup is told of an end before its primary knows
 * that it was told, and if the primary never gets the answer, the session may go on. An end that both owners know of is
 * final, and is kept among the `EndedSessions`.
 */
export interface Tombstone {
  /** Names the destroy that ended the session: it is recognised when it is sent again because its answer was lost. */
  readonly callId: string;

  /** Of the session when it ended. */
  readonly generation: number;

  /** By then every copy of the session, wherever it is, has expired. By the clock of the member that keeps it. */
  readonly until: number;
}

/** [D2] An end is remembered for at least this long. */
const LEAST_MS = 120_000;

/** Any copy has expired one absolute timeout from now, unless somebody logs in to it later, in a split network. */
export function tombstoneOf({ lifetime, identity }: SessionState, callId: string, now: number): Tombstone {
  return { callId, generation: identity.generation, until: now + Math.max(lifetime.absoluteTimeoutMs, LEAST_MS) };
}

/** Stands for the call of a destroy: a full member has ended the session to make room. */
const EVICTION = 'eviction';

/** The end of a session that has to make room for another. */
export function evictionOf(state: SessionState, now: number): Tombstone {
  return tombstoneOf(state, EVICTION, now);
}

export function isEviction({ callId }: Tombstone): boolean {
  return callId === EVICTION;
}

export function isTombstone(state: SessionState | Tombstone): state is Tombstone {
  return 'callId' in state;
}

export function generationOf(state: SessionState | Tombstone): number {
  return isTombstone(state) ? state.generation : state.identity.generation;
}

/** The knowledge about a session that the caller does not get. */
export interface NoSession {
  /** Present when it has ended. */
  readonly tombstone?: Tombstone;

  /** There was one, and all members that had it have lost it. Said once where a signed locator shows it. */
  readonly lost?: true;

  /** There is one, and the evidence of the caller does not open it. */
  readonly isThere?: true;

  /** [I2] [I15] The caller has the proof of an id that was replaced, or whose session is over, a short while ago. */
  readonly isSuperseded?: true;
}
