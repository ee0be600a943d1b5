/** The state of a session when a handler began. */
export interface SeenState {
  /** The number of writes that it holds, of all clients and of each client. */
  readonly total: number;
  readonly counts: Readonly<Record<string, number>>;

  /** The number of writes that changed two beans in one request, as each of the two beans counts them. */
  readonly pairs: number;
  readonly entries: number;

  /** The name of the session, which is written only when the session starts. */
  readonly name: string;
}

/** Kinds of requests that the rules tell apart. `write` and `pair` add one to the writes of their client. */
export type RequestKind = 'start' | 'read' | 'write' | 'pair' | 'renew' | 'logout';

/**
 * `ok`: the server answered with success, so all changes are stored. `anonymous`: the server knows no such session.
 * `refused`: it answered 409, so no change is stored. `unknown`: the request failed in another way; its changes may be
 * stored, now or later.
 */
export type RequestOutcome = 'ok' | 'anonymous' | 'refused' | 'unknown';

/** One request of one client. Times are in ms by one clock, the clock of the test. */
export interface RequestEvent {
  readonly client: string;
  readonly session: string;

  /** How often the session had been given a new id, as far as its client knew. */
  readonly generation: number;
  readonly server: number;
  readonly kind: RequestKind;

  /** `start` is a moment before the request was sent, `end` a moment after the answer was read. */
  readonly start: number;
  readonly end: number;
  readonly outcome: RequestOutcome;

  /** The state in the answer. Present when the outcome is `ok`, except after a logout. */
  readonly seen?: SeenState;

  /** HTTP status or error, for the message of a violation. */
  readonly status?: number | string;
}

/** All sessions were deleted at some moment in this interval. */
export interface Wipe {
  readonly start: number;
  readonly end: number;
}

/**
 * Redis promoted its replica at some moment in this interval. Writes that had not reached the replica are lost, unless
 * a server had waited for the replica.
 */
export interface Failover {
  readonly start: number;
  readonly end: number;
}

/** All requests of a run. Requests of one client never overlap. */
export interface History {
  readonly requests: readonly RequestEvent[];
  readonly wipes: readonly Wipe[];
  readonly failovers?: readonly Failover[];
}

/**
 * The answer of one server about a session when no client writes any more. `seen` is undefined if it knows no such
 * session.
 */
export interface FinalAnswer {
  readonly session: string;
  readonly server: number;
  readonly seen: SeenState | undefined;
}
