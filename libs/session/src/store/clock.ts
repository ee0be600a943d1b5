/** Where a component gets the time from; injected, so that tests can move it. Milliseconds since 1970. */
export interface Clock {
  now(): number;
}

/** The clock of this machine. */
export const systemClock: Clock = { now: () => Date.now() };
