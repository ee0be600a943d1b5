import type { SessionLifetime } from '../store/session-lifetime.js';
import type { Payloads } from './payloads.js';

/** How a session that this server creates begins. */
export interface NewSession {
  readonly lifetime: SessionLifetime;

  /** Set when a session goes on under a new id: when it really began. */
  readonly createdAt?: number;

  /** Set when a session goes on under a new id: what it holds. */
  readonly payloads?: Payloads;
}
