import type { SessionLifetime } from './session-lifetime.js';

/** When a session ends that was last used at `lastAccessedAt`. The one formula of all stores (the Lua scripts repeat it). */
export function sessionExpiry(
  times: { readonly createdAt: number; readonly lastAccessedAt: number; readonly joined: boolean },
  lifetime: SessionLifetime,
): number {
  const idle = times.joined ? lifetime.idleTimeoutMs : Math.min(lifetime.idleTimeoutMs, lifetime.unjoinedTimeoutMs);
  return Math.min(times.lastAccessedAt + idle, times.createdAt + lifetime.absoluteTimeoutMs);
}
