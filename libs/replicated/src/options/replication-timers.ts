/** The time as the protocol sees it. The simulation has its own. */
export interface ReplicationTimers {
  /** Monotonic, in ms. */
  now(): number;

  /** Calls back once, after at least `ms`. @returns a function that cancels it */
  after(ms: number, callback: () => void): () => void;

  /** Calls back once, when everything has run that this turn of the event loop has to do. */
  afterTurn(callback: () => void): void;
}

/** The time of this process. Its timers do not keep the process alive. */
export const systemTimers: ReplicationTimers = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const due = performance.now() + ms;
    // Node counts whole milliseconds of a clock that lags behind, so its timers come up to two too early. A lease must
    // have ended when its time is said to be over.
    const look = (): void => {
      const leftMs = due - performance.now();
      if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs)).unref();
      else callback();
    };
    let timer = setTimeout(look, ms).unref();
    return () => clearTimeout(timer);
  },
  afterTurn: (callback) => void setImmediate(callback),
};

/** Resolves after at least `ms`. */
export function pause(timers: ReplicationTimers, ms: number): Promise<void> {
  return new Promise((resolve) => void timers.after(ms, resolve));
}

/**
 * The clock of another machine may be slower by this factor: time servers slow a clock down (chrony: by up to 8.3 %).
 */
export const SLOWER_CLOCK = 1.1;
