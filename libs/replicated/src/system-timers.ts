import type { ReplicationTimers } from './replication-timers.js';

/** Time of this process. Its timers do not keep the process alive. */
export const systemTimers: ReplicationTimers = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const due = performance.now() + ms;
    // Node counts whole milliseconds of a clock that lags behind: its timers come up to two early, and a lease must have ended when its time is said to be over.
    const look = (): void => {
      const leftMs = due - performance.now();
      if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs)).unref();
      else callback();
    };
    let timer = setTimeout(look, ms).unref();
    return () => clearTimeout(timer);
  },
};
