import { Deadline } from '../store/deadline.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { SessionError } from '../errors/session.error.js';
import type { RequestTimings } from '../timing/request-timings.js';

export interface SessionHealthOptions {
  /** What is said when the store does not answer. Default `down`; `degraded` needs terminus 12. */
  readonly onDown?: 'down' | 'degraded';

  /** How long the store may take, in ms. Default: `storeTimeoutMs` of the session module. */
  readonly withinMs?: number;
}

/** What `@nestjs/terminus` takes from an indicator: its `HealthIndicatorResult`. */
export type SessionHealth<Key extends string> = Record<
  Key,
  {
    readonly status: 'up' | 'degraded' | 'down';
    /** `name` of the store. */
    readonly store: string;
    /** What the store did not do. */
    readonly problem?: string;
    /** Live sessions of this server, with those that its near cache keeps. */
    readonly liveSessions: number;
    /** Measured requests under way. */
    readonly pendingRequests: number;
  }
>;

/**
 * Whether sessions can be loaded, for `HealthCheckService.check()` of `@nestjs/terminus`, which this does not need. Injectable.
 *
 * Mind what a red check does: a balancer that asks takes the server out, and a shared store that is down takes out all of them, with every page that needs no
 * session. `degraded` says it without that.
 *
 * @example `this.health.check([() => this.sessions.check('sessions', { onDown: 'degraded' })])`
 */
export class SessionHealthIndicator {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly timings: RequestTimings,
  ) {}

  /**
   * Asks the store for a session that nobody has. Never rejects.
   */
  async check<Key extends string>(
    key: Key,
    { onDown = 'down', withinMs }: SessionHealthOptions = {},
  ): Promise<SessionHealth<Key>> {
    const facts = {
      store: this.gateway.name,
      liveSessions: this.liveSessions.size,
      pendingRequests: this.timings.pending,
    };
    try {
      const probe = this.gateway.probe();
      await (withinMs === undefined ? probe : new Deadline(withinMs, '(withinMs)').limit(probe));
      return { [key]: { status: 'up', ...facts } } as SessionHealth<Key>;
    } catch (error) {
      // Its text may name servers and accounts of the store.
      const problem =
        error instanceof SessionError ? `${error.name}: could not load` : `no answer within ${withinMs} ms`;
      return { [key]: { status: onDown, problem, ...facts } } as SessionHealth<Key>;
    }
  }
}
