import type { Type } from '@nestjs/common';
import { BeanRegistry } from '../../libs/session/src/bean/bean-registry.js';
import { LiveSessions } from '../../libs/session/src/live/live-sessions.js';
import { NearCache, type NearCacheSettings } from '../../libs/session/src/live/near-cache.js';
import { attributesBean } from '../../libs/session/src/request/attributes-bean.js';
import { SessionEnds } from '../../libs/session/src/live/session-ends.js';
import { CurrentHttpSession } from '../../libs/session/src/request/current-http-session.js';
import { CurrentRequest } from '../../libs/session/src/request/current-request.js';
import { DestroyHooks } from '../../libs/session/src/request/destroy-hooks.js';
import type { HttpSession } from '../../libs/session/src/request/http-session.js';
import { type KeptValues, keptValues } from '../../libs/session/src/request/kept-values.js';
import { SessionEvents } from '../../libs/session/src/request/session-events.js';
import { LABELS_BEAN, LabelKeeper } from '../../libs/session/src/request/session-labels.js';
import { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';
import { StoreDirectory } from '../../libs/session/src/store/store-directory.js';
import { StoreGateway } from '../../libs/session/src/store/store-gateway.js';
import { type Clock, systemClock } from '../../libs/session/src/store/clock.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import type { CarriedId, PresentedId } from '../../libs/session/src/request/id-exchange.js';
import { RequestState } from '../../libs/session/src/request/request-state.js';

export interface SimulatedServerOptions {
  readonly store: SessionStore;
  readonly beans: readonly Type<object>[];
  readonly clock?: Clock;
  readonly nearCache?: NearCacheSettings;
  readonly touchIntervalMs?: number;
  readonly maxSessionBytes?: number;
  readonly unjoinedTimeoutMs?: number;

  /** Whether handlers that promised to change nothing are checked, as in development. */
  readonly checksReadOnly?: boolean;

  /** Default: `reset`, as in the module. */
  readonly attributesOnLogin?: 'keep' | 'reset';
}

/**
 * One application server without Nest and HTTP. It has the whole life cycle of sessions, and a process may have
 * several.
 */
export class SimulatedServer {
  readonly events = new SessionEvents();
  private readonly ends: SessionEnds;
  readonly liveSessions: LiveSessions;
  readonly lifecycle: SessionLifecycle;
  readonly beans = new BeanRegistry({ onConflict: 'reject', onUndecodable: 'reject' });
  readonly hookErrors: unknown[] = [];
  private readonly attributes: SessionBean;
  private readonly kept: KeptValues;

  /** Called for each failed call of the store. */
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
      checksReadOnly: given.checksReadOnly,
      tellsEndOfLife: true,
    };
    const gateway = new StoreGateway(store, touchIntervalMs, undefined, {
      onFailure: () => this.onStoreFailure(),
    });
    this.liveSessions = new LiveSessions(gateway, settings, nearCache && new NearCache(nearCache));
    this.attributes = this.beans.registerBuiltIn(attributesBean(given.attributesOnLogin ?? 'reset'));
    this.attributes.inject([]);
    this.kept = keptValues(this.beans, this.liveSessions, clock, given.attributesOnLogin ?? 'reset');
    this.kept.bean.inject([]);
    for (const type of beans) this.beans.register(type).inject([]);
    this.ends = new SessionEnds(gateway, clock);
    const hooks = new DestroyHooks(this.beans, new CurrentRequest(), (error) => void this.hookErrors.push(error));
    const log = { readOnlyBroken: () => undefined };
    const labels = new LabelKeeper(this.beans.registerBuiltIn(LABELS_BEAN), undefined);
    labels.bean.inject([]);
    const { liveSessions, events } = this;
    const parts = { directory: new StoreDirectory(store, gateway), labels };
    this.lifecycle = new SessionLifecycle(settings, gateway, liveSessions, this.beans, events, log, hooks, parts);
  }

  /** What handlers are injected; for the requests that `current` knows. */
  httpSession(current: CurrentRequest): HttpSession {
    return new CurrentHttpSession(current, this.lifecycle, this.attributes, this.kept, this.ends, undefined);
  }

  /** A request that has not begun yet. */
  request(client: SimulatedClient): SimulatedRequest {
    return new SimulatedRequest(client, this);
  }

  /** Runs a request from begin to end. @throws the error of begin, handler or commit */
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

  /** A bean as a record holds it, or as it is before anything is stored. */
  decoded<T extends object>(type: Type<T>, { parts }: SessionRecord): T {
    const bean = this.beans.find(type) as SessionBean;
    const instance = bean.create();
    const payload = parts.get(bean.name)?.payload;
    if (payload !== undefined) bean.state.restore(instance, payload);
    return instance as T;
  }

  /** A client that has already come back once with its id. */
  async startSession(
    start: (request: SimulatedRequest) => void | Promise<void> = () => undefined,
  ): Promise<SimulatedClient> {
    const client = new SimulatedClient();
    await this.handle(client, (request) => {
      request.http.start();
      return start(request);
    });
    await this.handle(client, () => undefined);
    return client;
  }
}

/** A client of simulated servers. It keeps the last id that it received, like a cookie jar. */
export class SimulatedClient {
  /** @param id undefined: it has none */
  constructor(
    public id?: string,
    public locator?: string,
    public freshness?: string,
  ) {}

  get presented(): readonly PresentedId[] {
    const { id, locator, freshness } = this;
    return id === undefined ? [] : [{ id, locator, freshness }];
  }

  /** Another tab of the client: it has the same id, and is independent from then on. */
  copy(): SimulatedClient {
    return new SimulatedClient(this.id, this.locator, this.freshness);
  }
}

/**
 * One request of a client to a simulated server, step by step. The client learns its id with the response, in
 * `respond`.
 */
export class SimulatedRequest {
  readonly session: RequestState;
  isHeadSent = false;

  /** What the handler of this request is injected. */
  readonly http: HttpSession;

  private readonly lifecycle: SessionLifecycle;

  constructor(
    private readonly client: SimulatedClient,
    private readonly server: SimulatedServer,
  ) {
    this.lifecycle = server.lifecycle;
    const presented: readonly PresentedId[] = client.presented;
    this.session = new RequestState({
      presented: () => presented,
      isHeadSent: false,
      isClientGone: false,
      admitStart: () => undefined,
    });
    Object.defineProperty(this.session.exchange, 'isHeadSent', { get: () => this.isHeadSent });
    this.http = server.httpSession(new OnlyRequest(this.session));
  }

  /** The id that the response would send to the client if its head were written now. */
  get handedOut(): CarriedId | undefined {
    return this.lifecycle.idToSend(this.session);
  }

  /** Tells whether the request has found or started a session. */
  get exists(): boolean {
    return this.session.live !== undefined;
  }

  async begin(): Promise<this> {
    await this.lifecycle.begin(this.session);
    return this;
  }

  /** The instance of this request. A client proxy finds it in the same way at each access. */
  bean<T extends object>(type: Type<T>): T {
    return this.session.unitFor(type.name).instanceOf(this.server.beans.find(type) as SessionBean) as T;
  }

  async commit(): Promise<void> {
    await this.lifecycle.commit(this.session);
  }

  /** As when a request fails with `commitOn: 'success'`. */
  rollback(): void {
    this.lifecycle.rollback(this.session);
  }

  renewId(): void {
    this.http.renewId();
  }

  /** Has the session for itself until it ends. */
  lock(waitMs = 5_000): Promise<void> {
    return this.lifecycle.lock(this.session, waitMs);
  }

  invalidate(): Promise<void> {
    return this.lifecycle.invalidate(this.session, 'invalidated');
  }

  /** The client leaves. */
  detach(): void {
    this.lifecycle.detach(this.session);
  }

  end(): void {
    this.lifecycle.end(this.session);
  }

  /**
   * Stores, then answers. If storing is refused, the answer has no cookie.
   * @param isFailure whether the status is 400 or above
   */
  async respond(isFailure = false): Promise<void> {
    try {
      const { forgotten } = this.session;
      if (forgotten) await forgotten;
      if (isFailure) this.session.cancelLogin();
      if (this.lifecycle.needsCommit(this.session)) await this.commit();
      await this.lifecycle.checkIds(this.session);
      this.writeHead();
    } finally {
      this.end();
    }
  }

  private writeHead(): void {
    const { client, handedOut, session } = this;
    if (handedOut) Object.assign(client, handedOut);
    else if (session.removesId) client.id = undefined;
    client.freshness = this.lifecycle.freshnessToSend(session) ?? client.freshness;
  }
}

/** All code belongs to one request. */
class OnlyRequest extends CurrentRequest {
  constructor(private readonly only: RequestState) {
    super();
  }

  override get state(): RequestState {
    return this.only;
  }
}

/** A near cache that keeps every live session, and asks the store in each request. */
export const keepAll: NearCacheSettings = {
  mode: 'validate',
  maxSessions: 100_000,
  maxBytes: 1024 * 1024 * 1024,
  maxStalenessMs: 0,
};

/** A near cache that keeps every live session, and asks the store only when a copy may be old. */
export const keepTold: NearCacheSettings = { ...keepAll, mode: 'bounded', maxStalenessMs: 60_000 };
