/** What a handler saw of a session when it began. */
export interface SeenState {
  /** How many writes it holds, and of each client. */
  readonly total: number;
  readonly counts: Readonly<Record<string, number>>;

  /** Those that changed two beans in one request, as the one and as the other bean has it. */
  readonly pairs: number;
  readonly entries: number;

  /** Written once, when the session started: the name of the session. */
  readonly name: string;
}

/**
 * The routes of the fixture, as far as they matter to the rules. `write` and `pair` add one to what their client has
 * written.
 */
export type RequestKind = 'start' | 'read' | 'write' | 'pair' | 'renew' | 'logout';

/**
 * `ok`: answered with success, so it is stored. `anonymous`: the server knows no such session. `refused`: answered with
 * 409, so nothing of it is stored. `unknown`: failed in any other way; whether it is, or will be, stored is not known.
 */
export type RequestOutcome = 'ok' | 'anonymous' | 'refused' | 'unknown';

/** One request of one client. Times are in ms by one clock, that of the test. */
export interface RequestEvent {
  readonly client: string;
  readonly session: string;

  /** How often the session had got a new id, as far as its client knew. */
  readonly generation: number;
  readonly server: number;
  readonly kind: RequestKind;

  /** Before it was sent; after the answer was read. */
  readonly start: number;
  readonly end: number;
  readonly outcome: RequestOutcome;

  /** Present when `ok`, except of a logout. */
  readonly seen?: SeenState;

  /** For whoever reads a violation. */
  readonly status?: number | string;
}

/** All sessions were taken away at some moment in between. */
export interface Wipe {
  readonly start: number;
  readonly end: number;
}

/**
 * Redis went on with its replica at some moment in between: what this had not got yet is lost, unless a server waited
 * for it to be there.
 */
export interface Failover {
  readonly start: number;
  readonly end: number;
}

/** What was asked and answered. Requests of one client never overlap. */
export interface History {
  readonly requests: readonly RequestEvent[];
  readonly wipes: readonly Wipe[];
  readonly failovers?: readonly Failover[];
}

/** What one server says of a session when nobody writes any more; `undefined`: that there is none. */
export interface FinalAnswer {
  readonly session: string;
  readonly server: number;
  readonly seen: SeenState | undefined;
}
