import type { SessionTimes } from '../store/session-record.js';

/** The times alone: a store may answer with a record where times are asked for. */
export function timesOf({ createdAt, lastAccessedAt, expiresAt, joined }: SessionTimes): SessionTimes {
  return { createdAt, lastAccessedAt, expiresAt, joined };
}
