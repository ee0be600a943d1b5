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
