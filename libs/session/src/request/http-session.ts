import type { SessionHandle } from '../store/session-handle.js';

/** Timeouts of one session, in whole ms from 1. An absent one stays as it is. */
export interface SessionTimeouts {
  /** How long the session lives without a request. */
  readonly idleTimeoutMs?: number | undefined;

  /** How long it lives after the login, or after its creation where nobody is logged in. */
  readonly absoluteTimeoutMs?: number | undefined;
}

/**
 * The attributes whose types are known, by name. Empty: an application adds its own, and then `get` gives them and
 * `set` takes no others under these names. A type is a promise of the code that sets the attribute; nothing is checked
 * when it is read. What needs a rule, a schema or a version is better a bean.
 *
 * @example
 * ```ts
 * declare module 'nestjs-session-beans' {
 *   interface SessionAttributes {
 *     theme: 'light' | 'dark';
 *   }
 * }
 * ```
 */
// An interface, since only these can be augmented.
export interface SessionAttributes {}

/** The type of the attribute named `N`; unknown where none is declared. */
export type AttributeOf<A extends object, N extends string> = N extends keyof A ? A[N] : unknown;

/** Makes the value of `HttpSession.getOrCreate`. */
export type CreateValue<T> = (options: { readonly signal: AbortSignal }) => T | Promise<T>;

/** See `HttpSession.getOrCreate`. */
export interface GetOrCreateOptions<T> {
  readonly ttlMs?: number | ((value: T) => number) | undefined;
  readonly waitMs?: number | undefined;
}

/**
 * The session of the current request: injectable anywhere a bean is, and application-wide like a client proxy. Its
 * changes are stored with the changes of the beans, before the response leaves. All times are in ms since 1970 by the
 * clock of the store. Absent values are undefined.
 *
 * Members other than `exists` throw `SessionContextNotActiveError` where no session was loaded, and
 * `SessionResponseCommittedError` after the response. The response waits for a promise that the handler did not wait
 * for, and fails with it.
 *
 * An abstract class, so that a plain object can stand in for it in a unit test.
 *
 * @typeParam A types of attributes by name, where a place of the code knows more than `SessionAttributes`
 * @see Jakarta Servlet `HttpSession`
 * @example
 * ```ts
 * @Post('login')
 * async login(@Body() { user }: Credentials, @CurrentSession() session: HttpSession): Promise<void> {
 *   await session.login(user);
 *   session.set('theme', 'dark');
 * }
 * ```
 */
export abstract class HttpSession<A extends object = SessionAttributes> {
  /**
   * Whether the client has a session, or gets one with this response because of `start()` or `login()`. Servlet:
   * `getSession(false) != null`. It answers anywhere in a request, with false where no session was loaded: in
   * middleware, in handlers without a session, in exception filters when no route was reached or the store is down.
   */
  abstract readonly exists: boolean;

  /** The session was created by this request. False where there is none. */
  abstract readonly isNew: boolean;

  /**
   * Names the session to the application's own code: in jobs, lists, sockets and logs. No credential. It stays the same
   * when the session gets a new id, and changes when another principal logs in. Known as soon as `start()` was called;
   * until the session is stored, nobody finds it by its handle. Undefined after a `login()` that changes the principal
   * of a session, until that is stored: call `flush()` before you hand the handle on.
   */
  abstract readonly handle: SessionHandle | undefined;

  /** The user who is logged in, as `login` was told. */
  abstract readonly principal: string | undefined;

  /** When the session began. Undefined until it is stored, as are the other times. */
  abstract readonly createdAt: number | undefined;

  /** When its principal logged in last. */
  abstract readonly authenticatedAt: number | undefined;

  /** When the last request before this one moved the end of life (at most once in `touchIntervalMs`). */
  abstract readonly lastAccessedAt: number | undefined;

  /** When the session ends if no further request comes. */
  abstract readonly expiresAt: number | undefined;

  /**
   * Aborted when the session ends while this request runs: by a logout, a login of another principal, an operator, a
   * timeout, the loss of all copies. Its reason is a `SessionEndedError`. A new id for the same principal does not
   * abort it. For streams, server-sent events and long work, which would go on with the data of a user who has left.
   *
   * - On the server that ends the session it is aborted at once; on others, where the store tells of changes (Redis,
   *   PostgreSQL), as soon as it does; where it does not, or while its connection for that is lost, the store is asked
   *   every 5 s. A session whose time is over is noticed within a second or two.
   * - Undefined until the session is stored, and where there is none. After a login that changes the principal, a new
   *   one is for the session of that principal.
   * - When the response is over, or its client has left, it tells nothing more. For other code: `SessionContext.run()`.
   * - The first one on a server makes the store tell of changes, if it can. Requests that do not read it cost nothing.
   *
   * @example
   * ```ts
   * @Sse('prices')
   * prices(): Observable<MessageEvent> {
   *   return this.feed.pipe(takeUntil(fromEvent(this.session.signal!, 'abort')));
   * }
   * ```
   */
  abstract readonly signal: AbortSignal | undefined;

  /** Stored names of the beans that the session holds or that this request has touched. */
  abstract readonly beanNames: string[];

  /**
   * Loads the session of a request for middleware, which runs before the handler's guards would load it. From then on
   * beans and all members answer, and the route costs no second load. The response stores what middleware has changed,
   * whatever handler follows, or none. Where the session is loaded, nothing happens.
   *
   * Works in middleware of Nest and of `app.use()`. Not in hooks of Fastify, nor in requests that `inject()` brings or
   * a serverless platform: there, in middleware of Nest only.
   *
   * @throws SessionStoreError: pass it on to `next`, and the request is answered with it
   * @example
   * ```ts
   * async use(_request: Request, _response: Response, next: NextFunction): Promise<void> {
   *   await this.session.load();
   *   this.log.setUser(this.session.principal);
   *   next();
   * }
   * ```
   */
  abstract load(): Promise<void>;

  /** Whether there is an attribute of that name. */
  abstract has(name: string): boolean;

  /**
   * An attribute; the same object each time in one request, a copy of what is stored in the next. Its type is that of
   * `SessionAttributes`, or unknown.
   */
  abstract get<N extends string>(name: N): AttributeOf<A, N> | undefined;

  /** Sets an attribute to anything the codec keeps: plain data, Date, Map, Set, BigInt, bytes. */
  abstract set<N extends string>(name: N, value: AttributeOf<A, N>): void;

  /** @returns whether there was such an attribute */
  abstract delete(name: string): boolean;

  /** Names of the attributes. */
  abstract keys(): string[];

  /**
   * The attribute of that name; if there is none, what `create` gives. Of all who ask at the same time, on all servers
   * and in all requests of the session, one calls it; the others get its value, or its error. The value is stored at
   * once, apart from what the request changes, and stays an attribute for `ttlMs`, whatever becomes of the request.
   * `delete(name)` throws it away. For what must not happen twice at once, such as the refresh of an access token.
   *
   * - When the server that calls `create` dies, another one calls it again after 10 s.
   * - An error is thrown by the same object on the server where it happened. Others get an `Error` with its name and
   *   message, and for an `HttpException` one with its status and body. The next one who asks calls again.
   * - When the session gets a new id meanwhile, requests with the former one get `SessionEndedError`, and what their
   *   `create` gives is not kept. Work by handle (`SessionContext.run`) goes on.
   * - Where no session is stored yet, it is the request alone that calls `create`, and its response starts the session.
   * - Reading a value that is there costs no call of the store.
   *
   * @param create gets a signal that is aborted when its value will not be kept: the session has ended, or another
   * server has taken over
   * @param options `ttlMs`: how long the value is kept, by the clock of the server; a function of the value, or a
   * number; default: as long as the session. `waitMs`: how long to wait for others, default 30 s
   * @throws what `create` throws; SessionBusyError when others take longer than `waitMs`; SessionEndedError,
   * SessionStateError, SessionStoreError
   * @example
   * ```ts
   * const token = await session.getOrCreate('idp', () => this.idp.refresh(), {
   *   ttlMs: ({ expiresIn }) => (expiresIn - 30) * 1_000,
   * });
   * ```
   */
  abstract getOrCreate<T>(name: string, create: CreateValue<T>, options?: GetOrCreateOptions<T>): Promise<T>;

  /**
   * Makes sure that there is a session when the response leaves, even if nothing changed. Servlet: `getSession(true)`.
   */
  abstract start(): void;

  /**
   * Gives the session a new id with this response, keeps what it holds, and kills the former id. Servlet:
   * `changeSessionId`.
   */
  abstract renewId(): void;

  /**
   * Binds the session to the user who logged in, under a new id, so that an id planted before the login is worth
   * nothing (session fixation, OWASP ASVS 7.2.4). It happens with the response, or with `flush()`; a login whose
   * request fails (it throws, or answers with status 400 and above) does not happen.
   *
   * From the call on, the session is the user's: where nobody was logged in, beans go on that are declared
   * `onLogin: 'keep'`, and attributes with the module's option `attributesOnLogin: 'keep'`. Where another user was, all
   * begins empty, and the former user's session has ended. The same user again is a re-authentication: everything
   * stays, `authenticatedAt` and the absolute timeout begin anew.
   *
   * A client with a former id can always log in: then with a new, empty session.
   *
   * @param principal the application's name for the user, e.g. an account id; 1 to 512 characters
   * @param timeouts of this session; default: those of the module
   */
  abstract login(principal: string, timeouts?: SessionTimeouts): Promise<void>;

  /** Ends the session now, on every server, with all it holds, as `invalidate()` does. */
  abstract logout(): Promise<void>;

  /**
   * Ends the session now, on every server, with all it holds; a request that is still running may finish but not store.
   * What this request does with beans afterwards starts a new session with another id.
   * @throws SessionStoreError: then it is not known to have ended; SessionEndedError when the client presented a former
   * id, which ends nothing
   */
  abstract invalidate(): Promise<void>;

  /** Gives this session timeouts of its own, from the next commit on. */
  abstract setTimeouts(timeouts: SessionTimeouts): void;

  /**
   * Stores what this request has changed so far (one save, if there is something to store), and brings its beans up to
   * what others have stored meanwhile. For streams, server-sent events and jobs that outlive the first byte of the
   * response. As in JPA's `flush()`; it removes nothing.
   * @throws SessionConflictError, SessionEndedError, SessionNotAdmittedError, SessionStateError, SessionStoreError
   */
  abstract flush(): Promise<void>;

  /**
   * Takes a fresh look at the session: beans and members show from now on what others have stored before the call, on
   * whatever server. It asks the store once, and counts as use of the session. What this request has changed and not
   * stored stays its change: it is merged with what is there, and where that cannot be, the bean stays as it is and the
   * next `flush()`, or the response, is refused. As in JPA's `refresh()`, but nothing is thrown away. For streams,
   * server-sent events and jobs that show the session for long.
   *
   * Parts of a bean (an array, a nested object) that code has kept may be replaced: read them from the bean again. A
   * login that is not stored yet is stored before. Where there is no session, nothing happens.
   *
   * @throws SessionEndedError when the session has ended, or its id was replaced; SessionStoreError
   * @example
   * ```ts
   * for await (const _ of every(1_000)) {
   *   await this.session.refresh();
   *   response.write(`data: ${this.cart.items.length}\n\n`);
   * }
   * ```
   */
  abstract refresh(): Promise<void>;

  /**
   * Runs `work` while no other request of the session, on any server, runs work of its own or a handler marked
   * `@SessionLock()`. Stores what this request has changed before, if it has a session, brings its beans up to date,
   * and stores what `work` changed before the next one begins. Reads and changes of requests that do not ask for the
   * lock go on. For side effects outside the session; the session itself needs no lock.
   *
   * @param options `waitMs`: how long to wait for the others, in ms
   * @throws SessionBusyError when they take longer, or when the lock was lost while `work` ran; what `work` throws;
   * what `flush` throws
   */
  abstract runExclusive<T>(work: () => T | Promise<T>, options?: { readonly waitMs?: number }): Promise<T>;

  /**
   * An address that carries the id, for `idTransport: 'url'`: starts a session where there is none. With the other
   * transports, the address as it is. After `renewId()` or `login()` call `flush()` first, so that it is the new id.
   */
  abstract encodeUrl(url: string): string;
}
