import { AsyncResource } from 'node:async_hooks';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionResponseCommittedError } from '../errors/session-response-committed.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { SessionEnds } from '../live/session-ends.js';
import { type SessionHandle, sessionHandle } from '../store/session-handle.js';
import { accessOf, generateSessionId } from '../store/session-id.js';
import type { AttributesBean } from './attributes-bean.js';
import type { CurrentRequest } from './current-request.js';
import {
  type AttributeOf,
  type CreateValue,
  type GetOrCreateOptions,
  HttpSession,
  type SessionAttributes,
  type SessionTimeouts,
} from './http-session.js';
import type { CarriedId } from './id-exchange.js';
import type { KeptValues } from './kept-values.js';
import type { RequestState } from './request-state.js';
import type { SessionLifecycle } from './session-lifecycle.js';
import type { UnitOfWork } from './unit-of-work.js';

/**
 * The one `HttpSession` of an application: each call is about the session of the request that the calling code runs in.
 */
export class CurrentHttpSession extends HttpSession {
  constructor(
    private readonly current: CurrentRequest,
    private readonly lifecycle: SessionLifecycle,
    private readonly attributes: SessionBean,
    private readonly kept: KeptValues,
    private readonly ends: SessionEnds,
    private readonly addressWithId: ((url: string, carried: CarriedId) => string) | undefined,
  ) {
    super();
  }

  get exists(): boolean {
    const request = this.current.require('HttpSession.exists');
    return request.hasSession || request.pendingActions.start;
  }

  get isNew(): boolean {
    const request = this.request('isNew');
    return request.standing === 'started' || (!request.hasSession && request.pendingActions.start);
  }

  get handle(): SessionHandle | undefined {
    const request = this.request('handle');
    const key = request.live?.key ?? (request.id === undefined ? undefined : accessOf(request.id).key);
    if (key === undefined) return undefined;
    const { principal, logins } = request.unit?.identity ?? NOBODY;
    const login = request.pendingActions.login?.principal ?? principal;
    // Another login may be quicker: then this one gets a session of its own.
    if (login !== principal && request.hasSession) return undefined;
    return sessionHandle({ key, logins: login === principal ? logins : logins + 1 });
  }

  get principal(): string | undefined {
    const request = this.request('principal');
    const unit = request.unitFor('HttpSession.principal');
    return request.pendingActions.login?.principal ?? unit.identity?.principal;
  }

  get createdAt(): number | undefined {
    return this.request('createdAt').live?.stored.times?.createdAt;
  }

  get authenticatedAt(): number | undefined {
    return this.request('authenticatedAt').live?.stored.times?.authenticatedAt;
  }

  get lastAccessedAt(): number | undefined {
    return this.request('lastAccessedAt').live?.stored.times?.lastAccessedAt;
  }

  get expiresAt(): number | undefined {
    return this.request('expiresAt').live?.stored.times?.expiresAt;
  }

  get beanNames(): string[] {
    const unit = this.request('beanNames').unitFor('HttpSession.beanNames');
    // The library's own parts begin with a letter that no name of a bean begins with.
    return unit.beanNames().filter((name) => !name.startsWith('@'));
  }

  get signal(): AbortSignal | undefined {
    const request = this.request('signal');
    const { endSignal, id, live, unit } = request;
    const key = live?.key ?? (id === undefined ? request.named?.key : accessOf(id).key);
    if (!request.hasSession || key === undefined || !unit?.identity) return endSignal?.signal;
    const session = { key, logins: unit.identity.logins };
    const handle = sessionHandle(session);
    if (endSignal?.session === handle) return endSignal.signal;
    endSignal?.stop();
    const abort = new AbortController();
    // Listeners belong to the code that reads the signal now, not to the request that ends the session.
    const onEnded = AsyncResource.bind((error: SessionEndedError) => abort.abort(error));
    request.endSignal = { session: handle, signal: abort.signal, stop: this.ends.watch(session, onEnded) };
    return abort.signal;
  }

  load(): Promise<void> {
    const subject = 'HttpSession.load';
    const state = this.current.require(subject);
    const { request } = this.current;
    return state.keep(async () => {
      await request?.load?.();
      if (state.phase === 'closed') state.unitFor(subject);
    });
  }

  has(name: string): boolean {
    return this.read('has').attributes.has(name) || this.keptIn('has', name) !== undefined;
  }

  get<N extends string>(name: N): AttributeOf<SessionAttributes, N> | undefined {
    const { attributes } = this.read('get');
    const value = attributes.has(name) ? attributes.get(name) : this.keptIn('get', name)?.[0];
    return value as AttributeOf<SessionAttributes, N> | undefined;
  }

  set(name: string, value: unknown): void {
    refuseName('set', name);
    const { attributes } = this.write('set');
    this.kept.delete(this.unit('set'), name);
    attributes.set(name, value);
  }

  delete(name: string): boolean {
    const { attributes } = this.write('delete');
    const wasKept = this.kept.delete(this.unit('delete'), name);
    return attributes.delete(name) || wasKept;
  }

  keys(): string[] {
    return [...new Set([...this.read('keys').attributes.keys(), ...this.kept.names(this.unit('keys'))])];
  }

  getOrCreate<T>(name: string, create: CreateValue<T>, options: GetOrCreateOptions<T> = {}): Promise<T> {
    const member = 'getOrCreate';
    const { attributes } = this.read(member);
    refuseName(member, name);
    if (attributes.has(name)) return Promise.resolve(attributes.get(name) as T);
    const found = this.keptIn(member, name);
    if (found) return Promise.resolve(found[0] as T);
    const request = this.request(member);
    return request.keep(async () => {
      if (!request.hasSession) {
        request.requireOneSession();
        this.changing(member);
        refuseWithoutResponse(request, member);
      }
      const { ttlMs, waitMs = 30_000 } = options;
      const expiresAt = (value: unknown): number =>
        this.kept.expiry(typeof ttlMs === 'function' ? ttlMs(value as T) : ttlMs);
      return (await this.kept.make(request, { name, create, expiresAt }, waitMs)) as T;
    });
  }

  start(): void {
    const request = this.changing('start');
    request.unitFor('HttpSession.start');
    if (!request.hasSession) this.askStart(request);
  }

  renewId(): void {
    const request = this.changing('renewId');
    request.unitFor('HttpSession.renewId');
    if (!request.hasSession) return this.askStart(request);
    refuseWithoutResponse(request, 'renewId');
    request.ask({ renew: true });
  }

  login(principal: string, timeouts?: SessionTimeouts): Promise<void> {
    const request = this.changing('login');
    request.unitFor('HttpSession.login');
    return request.keep(async () => {
      refuseWithoutResponse(request, 'login');
      if (typeof principal !== 'string' || principal === '' || principal.length > MAX_PRINCIPAL_LENGTH) {
        const needed = `needs a principal that is a text of 1 to ${MAX_PRINCIPAL_LENGTH} characters`;
        throw new SessionStateError('HttpSession.login', needed);
      }
      this.lifecycle.login(request, principal, timeouts && checkedTimeouts('HttpSession.login', timeouts));
      if (!request.hasSession) request.id ??= generateSessionId();
    });
  }

  logout(): Promise<void> {
    return this.end('logout', 'logout');
  }

  invalidate(): Promise<void> {
    return this.end('invalidate', 'invalidated');
  }

  setTimeouts(timeouts: SessionTimeouts): void {
    const checked = checkedTimeouts('HttpSession.setTimeouts', timeouts);
    const request = this.changing('setTimeouts');
    request.unitFor('HttpSession.setTimeouts');
    request.ask({ timeouts: { ...request.pendingActions.timeouts, ...checked } });
  }

  flush(): Promise<void> {
    const request = this.request('flush');
    request.unitFor('HttpSession.flush');
    return request.keep(async () => {
      await this.lifecycle.commit(request);
      // The code goes on: it may take long, and may change parts of a bean without touching the bean again.
      request.isIdProven = false;
      request.unit?.watchAll();
    });
  }

  refresh(): Promise<void> {
    const request = this.request('refresh');
    request.unitFor('HttpSession.refresh');
    return request.keep(() => this.lifecycle.refresh(request));
  }

  runExclusive<T>(work: () => T | Promise<T>, { waitMs = 5_000 }: { readonly waitMs?: number } = {}): Promise<T> {
    const request = this.request('runExclusive');
    request.unitFor('HttpSession.runExclusive');
    return request.keep(async () => {
      // A handler that has the session for itself already, or work inside work.
      if (request.lock) return work();
      // Nobody else has a session that this request is about to start: it starts with what `work` changes, or logs in.
      if (request.hasSession) await this.flush();
      await this.lifecycle.lock(request, waitMs);
      try {
        const result = await work();
        await this.flush();
        return result;
      } finally {
        await this.lifecycle.unlock(request);
      }
    });
  }

  encodeUrl(url: string): string {
    const request = this.request('encodeUrl');
    if (!this.addressWithId) return url;
    request.unitFor('HttpSession.encodeUrl');
    refuseWithoutResponse(request, 'encodeUrl');
    if (!request.hasSession) this.askStart(request);
    return this.addressWithId(url, { id: request.id as string, locator: this.lifecycle.locatorOf(request.live) });
  }

  /** The id is known from now on, and with it the handle. */
  private askStart(request: RequestState): void {
    refuseWithoutResponse(request, 'start');
    request.ask({ start: true });
    request.id ??= generateSessionId();
  }

  private end(member: string, reason: 'logout' | 'invalidated'): Promise<void> {
    const request = this.request(member);
    request.unitFor(`HttpSession.${member}`);
    return request.keep(() => this.lifecycle.invalidate(request, reason));
  }

  private request(member: string): RequestState {
    const subject = `HttpSession.${member}`;
    const request = this.current.require(subject);
    if (request.phase !== 'active') request.unitFor(subject);
    return request;
  }

  private changing(member: string): RequestState {
    const request = this.request(member);
    if (request.phase === 'ending') throw new SessionEndedError();
    if (!request.isReadOnly) return request;
    throw new SessionStateError(
      `HttpSession.${member}`,
      `was called in ${request.handler ?? 'a handler'}, which is marked @ReadOnlySession(): remove the mark`,
    );
  }

  private unit(member: string): UnitOfWork {
    return this.request(member).unitFor(`HttpSession.${member}`);
  }

  private keptIn(member: string, name: string): readonly [unknown] | undefined {
    return this.kept.find(this.unit(member), name);
  }

  private write(member: string): AttributesBean {
    this.changing(member);
    return this.read(member);
  }

  private read(member: string): AttributesBean {
    const bean = this.unit(member).instanceOf(this.attributes) as AttributesBean;
    if (bean.attributes instanceof Map) return bean;
    throw new SessionStateError(this.attributes.name, 'was stored as something other than attributes', {
      reason: 'undecodable',
    });
  }
}

function refuseName(member: string, name: unknown): void {
  if (typeof name === 'string' && name !== '') return;
  throw new SessionStateError(`HttpSession.${member}`, 'needs a name that is a text and not empty');
}

/** @throws SessionResponseCommittedError where no response can bring the client its id */
function refuseWithoutResponse({ exchange }: RequestState, member: string): void {
  if (exchange.hasNoResponse) throw SessionResponseCommittedError.withoutResponse(`HttpSession.${member}`);
}

/** Stores keep it beside the state, within the fixed amount that they count for a session. */
const MAX_PRINCIPAL_LENGTH = 512;

const NOBODY = { principal: undefined, logins: 0 } as const;

/** @throws SessionStateError naming the timeout that cannot work */
function checkedTimeouts(subject: string, { idleTimeoutMs, absoluteTimeoutMs }: SessionTimeouts): SessionTimeouts {
  const given = Object.entries({ idleTimeoutMs, absoluteTimeoutMs }).filter(([, ms]) => ms !== undefined);
  for (const [name, ms] of given) {
    if (!Number.isSafeInteger(ms) || (ms as number) < 1)
      throw new SessionStateError(subject, `takes an ${name} that is a whole number of milliseconds from 1, not ${ms}`);
  }
  return Object.fromEntries(given);
}
