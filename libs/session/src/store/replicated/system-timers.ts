import type { ReplicationTimers } from './replication-timers.js';

/** Time of this process. Its timers do not keep the process alive. */
export const systemTimers: ReplicationTimers = {
  now: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms).unref();
    return () => clearTimeout(timer);
  },
};
