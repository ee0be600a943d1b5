/** The phases of a request, in its order. At any moment it is in exactly one, so they add up to its total. */
export const TIMING_PHASES = [
  'queue',
  'framework',
  'sessionLoad',
  'lockWait',
  'decode',
  'application',
  'downstream',
  'encode',
  'sessionSave',
  'response',
] as const;

/**
 * What a request does, or waits for:
 *
 * - `queue`: the event loop. An estimate of a time that no code in the process can see: how late the event loop was
 *   when the request was read from its socket, and when the last answer of each `sessionLoad`, `lockWait`, `downstream`
 *   and `sessionSave` was, at most. For a request on a connection that was used before, no longer than since the answer
 *   before it.
 * - `framework`: Nest and its adapter, middleware, global enhancers, reading the body, exception filters; the response
 *   until its head.
 * - `sessionLoad`: until the session is there, from the store or from this server.
 * - `lockWait`: for other requests of the session, and for the lock in the store.
 * - `decode`: making the instances of beans that are touched.
 * - `application`: pipes, the handler, and the interceptors of its controller.
 * - `downstream`: at least one call to a service, a database or Redis that the handler made is under way.
 * - `encode`: finding out what the request changed.
 * - `sessionSave`: until that is stored, or the session is ended or touched.
 * - `response`: from its head to its last byte, or until the client left.
 */
export type TimingPhase = (typeof TIMING_PHASES)[number];

/** Where a phase stands in TIMING_PHASES. A request is measured with numbers: they cost less than names. */
export const phaseIndex = Object.freeze(
  Object.fromEntries(TIMING_PHASES.map((phase, index) => [phase, index])),
) as Readonly<Record<TimingPhase, number>>;
