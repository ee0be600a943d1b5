import type { Type } from '@nestjs/common';
import { BeanRegistry } from '../../libs/session/src/bean/bean-registry.js';
import { LiveSessions } from '../../libs/session/src/live/live-sessions.js';
import { NearCache } from '../../libs/session/src/live/near-cache.js';
import type { NearCacheSettings } from '../../libs/session/src/live/near-cache.js';
import { attributesBean } from '../../libs/session/src/request/http-session.js';
import { SessionEvents } from '../../libs/session/src/request/session-events.js';
import { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';
import { StoreGateway } from '../../libs/session/src/store/store-gateway.js';
import { type Clock, systemClock } from '../../libs/session/src/store/clock.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { SimulatedClient } from './simulated-client.js';
import { SimulatedRequest } from './simulated-request.js';

export interface SimulatedServerOptions {
  readonly store: SessionStore;
  readonly beans: readonly Type<object>[];
  readonly clock?: Clock;
  readonly nearCache?: NearCacheSettings;
  readonly touchIntervalMs?: number;
  readonly maxSessionBytes?: number;
  readonly unjoinedTimeoutMs?: number;
}

/** One application server without Nest and HTTP: the whole life cycle of sessions, several times in one process. */
export class SimulatedServer {
  readonly events = new SessionEvents();
  readonly liveSessions: LiveSessions;
  readonly lifecycle: SessionLifecycle;
  readonly beans = new BeanRegistry({ onConflict: 'reject', onUndecodable: 'reject' });
  readonly hookErrors: unknown[] = [];

  /** Told of each call of the store that failed. */
  onStoreFailure: () => void = () => undefined;

  constructor({ store, beans, nearCache, ...given }: SimulatedServerOptions) {
    const { clock = systemClock, touchIntervalMs = 60_000, maxSessionBytes = 1024 * 1024 } = given;
    const lifetime = {
      idleTimeoutMs: 1_800_000,
      absoluteTimeoutMs: 43_200_000,
      unjoinedTimeoutMs: given.unjoinedTimeoutMs ?? 300_000,
    };
    const settings = {
      ...lifetime,
      clock,
      touchIntervalMs,
      maxSessionBytes,
      tellsFreshness: nearCache?.mode === 'bounded',
    };
    const gateway = new StoreGateway(store, touchIntervalMs, undefined, undefined, () => this.onStoreFailure());
    this.liveSessions = new LiveSessions(gateway, settings, nearCache && new NearCache(nearCache));
    this.beans.registerBuiltIn(attributesBean).inject([]);
    for (const type of beans) this.beans.register(type).inject([]);
    const log = { hookFailed: (error: unknown) => void this.hookErrors.push(error), readOnlyBroken: () => undefined };
    this.lifecycle = new SessionLifecycle(settings, gateway, this.liveSessions, this.beans, this.events, log);
  }

  /** A request that has not begun. */
  request(client: SimulatedClient): SimulatedRequest {
    return new SimulatedRequest(client, this.lifecycle, this.beans);
  }

  /** A request from begin to end. @throws what begin, the handler or the commit throws */
  async handle<T>(client: SimulatedClient, handler: (request: SimulatedRequest) => T | Promise<T>): Promise<T> {
    const request = this.request(client);
    try {
      await request.begin();
      const result = await handler(request);
      await request.respond();
      return result;
    } finally {
      request.end();
    }
  }

  /** A client that has come back with its id once. */
  async startSession(start: (request: SimulatedRequest) => void = () => undefined): Promise<SimulatedClient> {
    const client = new SimulatedClient();
    await this.handle(client, (request) => {
      request.session.ask({ start: true });
      start(request);
    });
    await this.handle(client, () => undefined);
    return client;
  }
}
