import type { ReplicationTimers } from './replication-timers.js';

/** Resolves after at least `ms`. */
export function pause(timers: ReplicationTimers, ms: number): Promise<void> {
  return new Promise((resolve) => void timers.after(ms, resolve));
}
