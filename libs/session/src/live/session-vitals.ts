import type { LiveSessions } from './live-sessions.js';
import type { NearCache } from './near-cache.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** What the sessions of this server live on: what metrics and health checks look at. */
export class SessionVitals {
  constructor(
    readonly store: StoreGateway,
    readonly liveSessions: LiveSessions,
    readonly nearCache: NearCache | undefined,
  ) {}
}
