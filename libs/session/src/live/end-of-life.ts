import { type SessionLifetime, type SessionTimes, sessionExpiry } from '../store/session-record.js';

/**
 * A client that keeps its id for as long as the session lives (a cookie with `Max-Age`) has to hear when the end of
 * life moves, and not with every request. Nobody notes what a client was told. Time is cut into steps of a tenth of the
 * idle timeout, by the clock of the store, and the request that moves the end of life into another step tells the
 * client. So there is one such request per step among all servers, and a client is a step behind at most: that much
 * longer than the session it keeps the id, which then opens nothing.
 */
const STEPS = 10;

/** The end of life when the store was asked, by the times that it answers: those from before the call. */
export function endBefore(times: SessionTimes, lifetime: SessionLifetime): number {
  const { createdAt, authenticatedAt, lastAccessedAt } = times;
  // As if the client had come back: that it ends earlier before that is nothing to tell a client which does.
  return sessionExpiry({ createdAt, authenticatedAt, lastAccessedAt, joined: true }, lifetime);
}

/** The end of life that the answer of the store has brought about. */
export function endAfter(times: SessionTimes, lifetime: SessionLifetime): number {
  return Math.max(times.expiresAt, endBefore(times, lifetime));
}

/** Whether clients have to be told that the end of life is another one now. */
export function isAnotherStep(before: number, after: number, { idleTimeoutMs }: SessionLifetime): boolean {
  const step = idleTimeoutMs / STEPS;
  return Math.floor(before / step) !== Math.floor(after / step);
}

/**
 * For how long a client that is told now keeps the id, in ms: a step longer than the session goes on, since it may hear
 * of the next step late, and never beyond the absolute end.
 *
 * @param now by the clock of this server, which may differ from that of the store. It counts only where the absolute
 * end is the next one: otherwise the answer of the store shows when it was given.
 */
export function keptForMs(times: SessionTimes, lifetime: SessionLifetime, now: number): number {
  const { idleTimeoutMs, absoluteTimeoutMs } = lifetime;
  const absoluteEnd = (times.authenticatedAt ?? times.createdAt) + absoluteTimeoutMs;
  const movedAt = Math.max(times.lastAccessedAt, times.expiresAt - idleTimeoutMs);
  const isLast = times.expiresAt >= absoluteEnd;
  const answeredAt = isLast ? Math.min(Math.max(now, movedAt), absoluteEnd) : movedAt;
  return Math.min(idleTimeoutMs + idleTimeoutMs / STEPS, absoluteEnd - answeredAt);
}
