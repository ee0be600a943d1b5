import { Deadline } from '../store/deadline.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { StoreGateway } from '../store/store-gateway.js';
import { SessionError } from '../errors/session.error.js';
import type { RequestTimings } from '../timing/request-timings.js';

/** Options of one check of the `SessionHealthIndicator`. */
export interface SessionHealthOptions<OnDown extends 'down' | 'degraded' = 'down' | 'degraded'> {
  /** The status while the store does not answer. Default `down`. `degraded` needs `@nestjs/terminus` 12. */
  readonly onDown?: OnDown;

  /** How long the store may take to answer, in ms. Default: `storeTimeoutMs` of `SessionModule`. */
  readonly withinMs?: number;
}

/** The result of a check, in the form that `@nestjs/terminus` calls `HealthIndicatorResult`. */
export type SessionHealth<Key extends string, OnDown extends 'down' | 'degraded' = 'down' | 'degraded'> = Record<
  Key,
  {
    readonly status: 'up' | OnDown;
    /** The store's name. */
    readonly store: string;
    /** Why the status is not `up`. */
    readonly problem?: string;
    /** How many live sessions this server has, with those that its near cache keeps. */
    readonly liveSessions: number;
    /** How many measured requests are under way. */
    readonly pendingRequests: number;
  }
>;

/**
 * Tells whether sessions can be loaded, for `HealthCheckService.check()` of `@nestjs/terminus`, which need not be
 * installed. Injectable where `SessionObservabilityModule` is imported; lives as long as the application.
 *
 * A balancer takes out a server whose check is red. A shared store that is down would therefore take out all servers,
 * with every page that needs no session. The status `degraded` reports the store and keeps the servers.
 *
 * @example
 * this.health.check([() => this.sessions.check('sessions', { onDown: 'degraded' })])
 */
export class SessionHealthIndicator {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly timings: RequestTimings,
  ) {}

  /**
   * Asks the store for a session that does not exist. Never rejects.
   *
   * @param key under which the result is reported
   */
  async check<Key extends string, OnDown extends 'down' | 'degraded' = 'down'>(
    key: Key,
    { onDown = 'down' as OnDown, withinMs }: SessionHealthOptions<OnDown> = {},
  ): Promise<SessionHealth<Key, OnDown>> {
    const facts = {
      store: this.gateway.name,
      liveSessions: this.liveSessions.size,
      pendingRequests: this.timings.pending,
    };
    try {
      const probe = this.gateway.probe();
      await (withinMs === undefined ? probe : new Deadline(withinMs, '(withinMs)').limit(probe));
      return { [key]: { status: 'up', ...facts } } as SessionHealth<Key, OnDown>;
    } catch (error) {
      // Not the text of the error: it may name servers and accounts of the store.
      const problem =
        error instanceof SessionError ? `${error.name}: could not load` : `no answer within ${withinMs} ms`;
      return { [key]: { status: onDown, problem, ...facts } } as SessionHealth<Key, OnDown>;
    }
  }
}
