import type { BeanDefinition } from '../bean/bean-definition.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { generateSessionId } from '../store/session-id.js';
import type { CurrentRequest } from './current-request.js';
import type { CarriedId } from './id-exchange.js';
import type { RequestState } from './request-state.js';
import type { SessionLifecycle } from './session-lifecycle.js';

/**
 * The attributes and the principal, which every session has besides its beans. Stored like a bean, under a name that no
 * bean can have, and merged like one: attributes one by one, while two logins at once conflict.
 */
export class AttributesBean {
  principal: string | null = null;

  readonly attributes = new Map<string, unknown>();
}

export const attributesBean: BeanDefinition<AttributesBean> = Object.freeze({
  name: '@session',
  type: AttributesBean,
  version: 1,
  migrate: {},
  onConflict: 'reject',
  onUndecodable: 'reject',
  mergeRules: new Map(),
  transient: new Set<string>(),
});

/**
 * The session of the current request: injectable anywhere a bean is, and application-wide like a client proxy. Its
 * changes are stored with the changes of the beans, before the response leaves. All times are in ms since 1970 by the
 * clock of the store.
 *
 * Every member throws `SessionContextNotActiveError` where no session was loaded and `SessionResponseCommittedError`
 * after the response.
 *
 * @see Jakarta Servlet `HttpSession`
 * @example
 * ```ts
 * @Post('login')
 * login(@Body() { user }: Credentials, @CurrentSession() session: HttpSession): void {
 *   session.login(user);
 *   session.set('theme', 'dark');
 * }
 * ```
 */
export class HttpSession {
  constructor(
    private readonly current: CurrentRequest,
    private readonly lifecycle: SessionLifecycle,
    private readonly attributes: SessionBean,
    private readonly addressWithId: ((url: string, carried: CarriedId) => string) | undefined,
  ) {}

  /**
   * Whether the client has a session, or gets one with this response because of `start()`. Servlet:
   * `getSession(false) != null`.
   */
  get exists(): boolean {
    const request = this.request('exists');
    return request.hasSession || request.pendingActions.start;
  }

  /** The session was created by this request. False where there is none. */
  get isNew(): boolean {
    const request = this.request('isNew');
    return request.standing === 'started' || (!request.hasSession && request.pendingActions.start);
  }

  /** When the session began. Undefined until it is stored, as are the other times. */
  get createdAt(): number | undefined {
    return this.request('createdAt').live?.stored.times?.createdAt;
  }

  /** When the last request before this one moved the end of life (at most once in `touchIntervalMs`). */
  get lastAccessedAt(): number | undefined {
    return this.request('lastAccessedAt').live?.stored.times?.lastAccessedAt;
  }

  /** When the session ends if no further request comes. */
  get expiresAt(): number | undefined {
    return this.request('expiresAt').live?.stored.times?.expiresAt;
  }

  /** The user who is logged in, as `login` was told; undefined when no user is. */
  get principal(): string | undefined {
    return this.read('principal').principal ?? undefined;
  }

  /** Stored names of the beans that the session holds or that this request has touched. */
  get beanNames(): string[] {
    const unit = this.request('beanNames').unitFor('HttpSession.beanNames');
    return unit.beanNames().filter((name) => name !== this.attributes.name);
  }

  /** Whether there is an attribute of that name. */
  has(name: string): boolean {
    return this.read('has').attributes.has(name);
  }

  /** An attribute; the same object each time in one request, a copy of what is stored in the next. */
  get(name: string): unknown {
    return this.read('get').attributes.get(name);
  }

  /** Sets an attribute to anything the codec keeps: plain data, Date, Map, Set, BigInt, bytes. */
  set(name: string, value: unknown): void {
    if (typeof name !== 'string' || name === '')
      throw new SessionStateError('HttpSession.set', 'needs a name that is a text and not empty');
    this.write('set').attributes.set(name, value);
  }

  /** @returns whether there was such an attribute */
  delete(name: string): boolean {
    return this.write('delete').attributes.delete(name);
  }

  /** Names of the attributes. */
  keys(): string[] {
    return [...this.read('keys').attributes.keys()];
  }

  /**
   * Makes sure that there is a session when the response leaves, even if nothing changed. Servlet: `getSession(true)`.
   */
  start(): void {
    const request = this.changing('start');
    request.unitFor('HttpSession.start');
    if (!request.hasSession) request.ask({ start: true });
  }

  /**
   * Ends the session now, on every server, with all it holds; a request that is still running may finish but not store.
   * What this request does with beans afterwards starts a new session with another id. The client's cookie stays and
   * stands for nothing.
   * @throws SessionStoreError: then it is not known to have ended
   */
  async invalidate(): Promise<void> {
    const request = this.request('invalidate');
    request.unitFor('HttpSession.invalidate');
    await this.lifecycle.invalidate(request);
  }

  /**
   * Gives the session a new id with this response, keeps what it holds, and kills the old id. Servlet:
   * `changeSessionId`.
   */
  renewId(): void {
    const request = this.changing('renewId');
    request.unitFor('HttpSession.renewId');
    request.ask(request.hasSession ? { renew: true } : { start: true });
  }

  /**
   * Binds the session to the user who logged in, under a new id, so that an id planted before the login is worth
   * nothing (session fixation, OWASP ASVS 7.2.4).
   * @param principal the application's name for the user, e.g. an account id; not empty
   */
  login(principal: string): void {
    if (typeof principal !== 'string' || principal === '') {
      throw new SessionStateError('HttpSession.login', 'needs a principal that is a text and not empty');
    }
    this.write('login').principal = principal;
    this.renewId();
  }

  /** Ends the session. Same as `invalidate()`. */
  logout(): Promise<void> {
    return this.invalidate();
  }

  /**
   * Gives this session timeouts of its own, from the next commit on.
   * @param timeouts `idleTimeoutMs`: how long the session lives without a request, a whole number of ms from 1
   */
  setTimeouts({ idleTimeoutMs }: { readonly idleTimeoutMs: number }): void {
    if (!Number.isSafeInteger(idleTimeoutMs) || idleTimeoutMs < 1) {
      throw new SessionStateError(
        'HttpSession.setTimeouts',
        `takes an idleTimeoutMs that is a whole number of milliseconds from 1, not ${idleTimeoutMs}`,
      );
    }
    const request = this.changing('setTimeouts');
    request.unitFor('HttpSession.setTimeouts');
    request.ask({ idleTimeoutMs });
  }

  /**
   * Stores what this request has changed so far (one save, if there is something to store), and brings its beans up to
   * what others have stored meanwhile. For streams, server-sent events and jobs that outlive the first byte of the
   * response. As in JPA's `flush()`; it removes nothing.
   * @throws SessionConflictError, SessionEndedError, SessionStateError, SessionStoreError
   */
  async flush(): Promise<void> {
    const request = this.request('flush');
    request.unitFor('HttpSession.flush');
    await this.lifecycle.commit(request);
    // The code goes on, and may change parts of a bean without touching the bean again.
    request.unit?.watchAll();
  }

  /**
   * Runs `work` while no other request of the session, on any server, runs work of its own or a handler marked
   * `@SessionLock()`. Stores what this request has changed before, brings its beans up to date, and stores what `work`
   * changed before the next one begins. Reads and changes of requests that do not ask for the lock go on. For side
   * effects outside the session; the session itself needs no lock.
   *
   * @param options `waitMs`: how long to wait for the others, in ms
   * @throws SessionBusyError when they take longer, or when the lock was lost while `work` ran; what `work` throws;
   * what `flush` throws
   */
  async runExclusive<T>(work: () => T | Promise<T>, { waitMs = 5_000 }: { readonly waitMs?: number } = {}): Promise<T> {
    const request = this.request('runExclusive');
    request.unitFor('HttpSession.runExclusive');
    // A handler that has the session for itself already, or work inside work.
    if (request.lock) return work();
    await this.flush();
    await this.lifecycle.lock(request, waitMs);
    try {
      const result = await work();
      await this.flush();
      return result;
    } finally {
      await this.lifecycle.unlock(request);
    }
  }

  /**
   * An address that carries the id, for `idTransport: 'url'`: starts a session where there is none. With the other
   * transports, the address as it is. After `renewId()` or `login()` call `flush()` first, so that it is the new id.
   */
  encodeUrl(url: string): string {
    const request = this.request('encodeUrl');
    if (!this.addressWithId) return url;
    request.unitFor('HttpSession.encodeUrl');
    if (!request.hasSession) {
      request.ask({ start: true });
      request.id ??= generateSessionId();
    }
    return this.addressWithId(url, { id: request.id as string, locator: this.lifecycle.locatorOf(request.live) });
  }

  private request(member: string): RequestState {
    const subject = `HttpSession.${member}`;
    const request = this.current.require(subject);
    if (request.phase !== 'active') request.unitFor(subject);
    return request;
  }

  private changing(member: string): RequestState {
    const request = this.request(member);
    if (!request.isReadOnly) return request;
    throw new SessionStateError(
      `HttpSession.${member}`,
      `was called in ${request.handler ?? 'a handler'}, which is marked @ReadOnlySession(): remove the mark`,
    );
  }

  private write(member: string): AttributesBean {
    this.changing(member);
    return this.read(member);
  }

  private read(member: string): AttributesBean {
    return this.request(member).unitFor(`HttpSession.${member}`).instanceOf(this.attributes) as AttributesBean;
  }
}
