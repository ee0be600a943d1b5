import type { NearCacheSettings } from '../../libs/session/src/live/near-cache.js';

/** A near cache that keeps every live session and has the store asked at each request. */
export const keepAll: NearCacheSettings = {
  mode: 'validate',
  maxSessions: 100_000,
  maxBytes: 1024 * 1024 * 1024,
  maxStalenessMs: 0,
};
