import {
  type AttributeOf,
  type CreateValue,
  type GetOrCreateOptions,
  HttpSession,
  type SessionAttributes,
} from '../request/http-session.js';
import { type SessionEndReason, SessionEndedError } from '../errors/session-ended.error.js';
import { type SessionHandle, sessionHandle } from '../store/session-handle.js';
import { accessOf, generateSessionId } from '../store/session-id.js';

/** What a `FakeHttpSession` begins with. Everything may be left out. */
export interface FakeHttpSessionOptions {
  /** The user who is logged in. Default: nobody. */
  readonly principal?: string | undefined;

  /** Attributes by name. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Stands in for `HttpSession` in unit tests of classes that it is injected into: a session in the memory of the test,
 * without a store, requests and other servers. What the class does to it can be read from its members. Attributes are
 * kept as they are given, where the real session gives each request its own copies, and nothing is ever refused. Times
 * come from `Date.now()`, so fake timers move them; nothing ends by itself.
 *
 * A bean needs no stand-in: it is a class like any other, `new Cart()`.
 *
 * @example
 * ```ts
 * const session = new FakeHttpSession({ principal: 'ann' });
 * await new Checkout(new Cart(), session).order();
 * expect(session.get('lastOrder')).toBe(1);
 * ```
 */
export class FakeHttpSession extends HttpSession {
  /** Undefined where there is no session: before the first of it, and after its end. */
  private state:
    | { readonly key: ReturnType<typeof newKey>; readonly createdAt: number; readonly end: AbortController }
    | undefined;
  private readonly attributes = new Map<string, { readonly value: unknown; readonly expiresAt: number }>();
  private readonly calls = new Map<string, Promise<unknown>>();
  private logins = 0;

  principal: string | undefined;
  authenticatedAt: number | undefined;

  /** The fake session knows no beans. */
  readonly beanNames: string[] = [];

  constructor({ principal, attributes = {} }: FakeHttpSessionOptions = {}) {
    super();
    if (principal !== undefined) void this.login(principal);
    for (const [name, value] of Object.entries(attributes)) this.set(name, value);
  }

  get exists(): boolean {
    return this.state !== undefined;
  }

  /** There is no request before which it could have begun. */
  get isNew(): boolean {
    return this.exists;
  }

  get handle(): SessionHandle | undefined {
    return this.state && sessionHandle({ key: this.state.key, logins: this.logins });
  }

  get signal(): AbortSignal | undefined {
    return this.state?.end.signal;
  }

  get createdAt(): number | undefined {
    return this.state?.createdAt;
  }

  get lastAccessedAt(): number | undefined {
    return this.state && Date.now();
  }

  readonly expiresAt = undefined;

  has(name: string): boolean {
    return (this.attributes.get(name)?.expiresAt ?? 0) > Date.now();
  }

  get<N extends string>(name: N): AttributeOf<SessionAttributes, N> | undefined {
    const value = this.has(name) ? this.attributes.get(name)?.value : undefined;
    return value as AttributeOf<SessionAttributes, N> | undefined;
  }

  set(name: string, value: unknown): void {
    this.start();
    this.attributes.set(name, { value, expiresAt: Infinity });
  }

  delete(name: string): boolean {
    const had = this.has(name);
    this.attributes.delete(name);
    return had;
  }

  keys(): string[] {
    return [...this.attributes.keys()].filter((name) => this.has(name));
  }

  /** Calls `create` once for all who ask meanwhile. Its signal is never aborted. */
  getOrCreate<T>(name: string, create: CreateValue<T>, options: GetOrCreateOptions<T> = {}): Promise<T> {
    if (this.has(name)) return Promise.resolve(this.get(name) as T);
    const underWay = this.calls.get(name);
    if (underWay) return underWay as Promise<T>;
    const call = this.create(name, create, options).finally(() => this.calls.delete(name));
    this.calls.set(name, call);
    return call;
  }

  start(): void {
    this.state ??= { key: newKey(), createdAt: Date.now(), end: new AbortController() };
  }

  /** Does nothing but start a session where there is none. */
  renewId(): void {
    this.start();
  }

  async login(principal: string): Promise<void> {
    this.start();
    if (principal !== this.principal) {
      this.attributes.clear();
      this.logins++;
    }
    this.principal = principal;
    this.authenticatedAt = Date.now();
  }

  logout(): Promise<void> {
    return this.end('logout');
  }

  invalidate(): Promise<void> {
    return this.end('invalidated');
  }

  setTimeouts(): void {}

  async load(): Promise<void> {}

  async flush(): Promise<void> {}

  async refresh(): Promise<void> {}

  /** Runs `work`, and keeps nobody waiting. */
  async runExclusive<T>(work: () => T | Promise<T>): Promise<T> {
    return work();
  }

  /** The address as it is. */
  encodeUrl(url: string): string {
    return url;
  }

  private async end(reason: SessionEndReason): Promise<void> {
    this.state?.end.abort(new SessionEndedError(reason));
    this.state = this.principal = this.authenticatedAt = undefined;
    this.attributes.clear();
  }

  private async create<T>(name: string, create: CreateValue<T>, { ttlMs }: GetOrCreateOptions<T>): Promise<T> {
    const value = await create({ signal: new AbortController().signal });
    const keptForMs = typeof ttlMs === 'function' ? ttlMs(value) : (ttlMs ?? Infinity);
    this.start();
    this.attributes.set(name, { value, expiresAt: Date.now() + keptForMs });
    return value;
  }
}

function newKey() {
  return accessOf(generateSessionId()).key;
}
