import type { IncomingMessage } from 'node:http';
import type { SessionBean } from '../bean/session-bean.js';
import type { HttpLifecycle, HttpSessionRuntime } from '../http/http-lifecycle.js';
import type { ResolvedSessionOptions } from '../module/session.options.js';
import type { AttributesBean } from '../request/attributes-bean.js';
import type { CurrentRequest } from '../request/current-request.js';
import type { HttpSession } from '../request/http-session.js';
import type { RequestState } from '../request/request-state.js';
import type { UnitOfWork } from '../request/unit-of-work.js';
import type { Clock } from '../store/clock.js';
import { CookieOfRequest, type CookieSource } from './request-session-cookie.js';
import { type Properties, type RequestSession, type SessionWork, requestSession } from './request-session.js';

/** A request, where middleware finds its session. */
export interface RequestWithProperties extends IncomingMessage {
  session?: unknown;
}

/** The objects of one application that the sessions of its requests need. */
export interface BridgeRuntime {
  readonly http: HttpSessionRuntime;
  readonly session: HttpSession;
  readonly current: CurrentRequest;
  readonly options: ResolvedSessionOptions;
  readonly clock: Clock;
  readonly attributes: SessionBean;
  readonly platform: 'express' | 'fastify';
}

/**
 * Gives one request its `session`, and another one where the application asks for that. All that it does is work of
 * this request, whatever the code runs in that calls it: callbacks of a driver may have lost their request.
 */
export class SessionOfRequest implements CookieSource {
  readonly session: HttpSession;
  readonly state: RequestState;
  readonly lifetime;
  readonly cookie;

  constructor(
    private readonly request: RequestWithProperties,
    private readonly lifecycle: HttpLifecycle,
    private readonly runtime: BridgeRuntime,
  ) {
    this.session = runtime.session;
    this.state = lifecycle.state;
    this.lifetime = runtime.options;
    this.cookie = runtime.options.cookie;
  }

  /** Once its session is loaded. */
  begin(): void {
    Object.defineProperty(this.request, 'sessionID', { get: () => this.handle, configurable: true });
    this.put();
  }

  now(): number {
    return this.runtime.clock.now();
  }

  run<T>(work: () => T): T {
    const { current } = this.runtime;
    return current.request === this.lifecycle ? work() : current.run(this.lifecycle, work);
  }

  get handle(): string | undefined {
    return this.state.activeUnit && this.run(() => this.session.handle);
  }

  /** Does `work` after which the request has another session. @returns properties that keep what there was */
  async leave(properties: Properties, work: () => Promise<void>): Promise<Properties> {
    const before = new Map(Array.from(properties.keys(), (name) => [name, properties.get(name)] as const));
    await this.run(() => this.state.keep(work));
    return before;
  }

  regenerate(): Promise<void> {
    return this.runtime.http.lifecycle.regenerate(this.state);
  }

  reload(): Promise<void> {
    const { http, attributes } = this.runtime;
    return this.run(() => this.state.keep(() => http.lifecycle.reload(this.state, attributes)));
  }

  /** The request gets a session object that speaks of the session that it has by now. */
  put(): RequestSession {
    const session = requestSession(new CurrentSessionWork(this), this.runtime.platform);
    this.request.session = session;
    return session;
  }

  /** The request has no session object any more. */
  remove(): void {
    this.request.session = this.runtime.platform === 'fastify' ? null : undefined;
  }

  attributesIn(unit: UnitOfWork): Properties {
    return (unit.instanceOf(this.runtime.attributes) as AttributesBean).attributes;
  }
}

/** The session object as long as its session is that of the request; then it keeps what it had. */
class CurrentSessionWork implements SessionWork {
  readonly cookie: CookieOfRequest;
  private current: Properties;

  constructor(private readonly owner: SessionOfRequest) {
    this.cookie = new CookieOfRequest(owner);
    this.current = new CurrentProperties(owner);
  }

  get id(): string | undefined {
    return this.owner.handle;
  }

  get properties(): Properties {
    return this.current;
  }

  async regenerate(keep: readonly string[]): Promise<void> {
    const { owner } = this;
    this.current = await owner.leave(this.current, () => owner.regenerate());
    const session = owner.put();
    for (const name of keep) session[name] = this.current.get(name);
  }

  save(): Promise<void> {
    return this.owner.run(() => this.owner.session.flush());
  }

  reload(): Promise<void> {
    return this.owner.reload();
  }

  async destroy(): Promise<void> {
    const { owner } = this;
    this.current = await owner.leave(this.current, () => owner.session.invalidate());
    owner.remove();
  }
}

/** The attributes of the request's session. */
class CurrentProperties implements Properties {
  /** The one that answered last: it can be read when the response is over, for logs. */
  private unit: UnitOfWork | undefined;

  constructor(private readonly owner: SessionOfRequest) {
    this.read();
  }

  has(name: string): boolean {
    return this.owner.run(() => this.read().has(name));
  }

  get(name: string): unknown {
    return this.owner.run(() => this.read().get(name));
  }

  keys(): Iterable<string> {
    return this.owner.run(() => this.read().keys());
  }

  set(name: string, value: unknown): void {
    this.owner.run(() => this.owner.session.set(name, value));
  }

  delete(name: string): boolean {
    return this.owner.run(() => this.owner.session.delete(name));
  }

  private read(): Properties {
    const { owner, unit } = this;
    const { activeUnit } = owner.state;
    if (!activeUnit) return owner.attributesIn(unit as UnitOfWork);
    // So that it can be read later, its attributes are decoded now.
    if (activeUnit !== unit) owner.attributesIn(activeUnit);
    this.unit = activeUnit;
    return owner.session;
  }
}
