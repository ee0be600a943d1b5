import type { SessionKey } from '../store/session-key.js';
import type { StoreUnderTest } from './store-under-test.js';

/** A session that outlives the waiting for connections. */
export function lastingSession(
  on: StoreUnderTest,
  payloads: Readonly<Record<string, string>> = { a: '1' },
): Promise<{ key: SessionKey; stamp: string }> {
  const ms = on.units(400);
  return on.begin(payloads, { idleTimeoutMs: ms, absoluteTimeoutMs: ms, unjoinedTimeoutMs: ms });
}
