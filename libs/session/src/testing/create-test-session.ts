import { Server as TlsServer } from 'node:tls';
import type { INestApplicationContext, Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { BeanRegistry } from '../bean/bean-registry.js';
import { SessionBeanError } from '../errors/session-bean.error.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { SESSION_ID_HEADER } from '../http/id/header-id-transport.js';
import { SessionCookie } from '../http/id/session-cookie.js';
import { beanProxy } from '../module/session-bean.providers.js';
import type { ResolvedSessionOptions } from '../module/session.options.js';
import { RESOLVED_OPTIONS } from '../module/session.providers.js';
import { CurrentRequest } from '../request/current-request.js';
import type { HttpSession } from '../request/http-session.js';
import { ApplicationSessionContext, SessionContext } from '../sessions/session-context.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { SessionHandle } from '../store/session-handle.js';

/** What `setUp` of a test session works with. */
export interface TestSessionSetUp {
  /** The session, with its principal and its attributes. */
  readonly session: HttpSession;

  /**
   * The bean of this class in the session, as code of the application gets it injected.
   * @throws SessionBeanError when no module of the application has registered the class
   */
  readonly bean: <T extends object>(type: Type<T>) => T;
}

/** What `createTestSession` starts a session with. Everything may be left out. */
export interface TestSessionOptions {
  /** The user who is logged in. Default: nobody. */
  readonly principal?: string | undefined;

  /** Attributes by name. */
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;

  /**
   * Fills beans. It runs in a unit of work: beans and services of the application answer for the new session, and what
   * it changes is stored before the promise of `createTestSession` resolves.
   */
  readonly setUp?: ((given: TestSessionSetUp) => MaybePromise<unknown>) | undefined;
}

/**
 * A session that a test has started, and the ways in which a client can name it.
 *
 * @example
 * ```ts
 * const session = await createTestSession(app, { principal: 'user-17' });
 * await request(app.getHttpServer()).get('/cart').set(session.headers).expect(200);
 * ```
 */
export class TestSession {
  constructor(
    /** For `SessionContext.run()`, jobs and messages. It stays when the session gets a new id. */
    readonly handle: SessionHandle,

    /** The headers of a request of this session, whatever `idTransport` is: `request(server).get('/').set(headers)`. */
    readonly headers: Readonly<Record<string, string>>,
  ) {}

  /**
   * `name=value` of the session cookie: `request(server).get('/').set('Cookie', cookie)`. A session that gets a new id
   * in a test (a login, `renewId()`) has another one then: an agent of supertest keeps that.
   * @throws SessionConfigurationError with `idTransport: 'header'`
   */
  get cookie(): string {
    const { cookie } = this.headers;
    if (cookie !== undefined) return cookie;
    throw new SessionConfigurationError(
      "idTransport 'header' has no cookie: send the headers of the test session, request(server).get('/').set(headers)",
    );
  }
}

/**
 * Starts a session for a test, without the requests that would lead there: a user who is logged in, with a full cart.
 * The session is one like any other, in the store of the application. A client has come back with its id already, so it
 * lives for `idleTimeoutMs`. The option `admission` is not asked.
 *
 * @param app the application after `init()` or `listen()`
 * @throws SessionConfigurationError before that; what `setUp` throws; SessionStateError for what
 * cannot be stored; SessionStoreError
 *
 * @example
 * ```ts
 * const { cookie } = await createTestSession(app, {
 *   principal: 'user-17',
 *   setUp: ({ bean }) => bean(Cart).add('book'),
 * });
 * await request(app.getHttpServer()).get('/cart').set('Cookie', cookie).expect(['book']);
 * ```
 */
export async function createTestSession(
  app: INestApplicationContext,
  { principal, attributes = {}, setUp }: TestSessionOptions = {},
): Promise<TestSession> {
  const sessions = app.get(SessionContext);
  if (!(sessions instanceof ApplicationSessionContext)) {
    throw new SessionConfigurationError(
      'createTestSession() needs the SessionContext of SessionModule, of the same copy of the package: a test has ' +
        'replaced it',
    );
  }
  const beans = app.get(BeanRegistry);
  if (!Array.from(beans.all()).every(({ isInjected }) => isInjected)) {
    throw new SessionConfigurationError('createTestSession() needs an application that runs: await app.init() before');
  }
  const bean = <T extends object>(type: Type<T>): T => {
    if (beans.find(type)) return beanProxy(type, beans, app.get(CurrentRequest)) as T;
    throw new SessionBeanError(`${type.name} is no bean of this application: forFeature([${type.name}]) makes it one`);
  };
  const { token, handle } = await sessions.startSession(async (session) => {
    if (principal !== undefined) await session.login(principal);
    for (const [name, value] of Object.entries(attributes)) session.set(name, value);
    await setUp?.({ session, bean });
  });
  const headers = headersWith(token, app);
  await sessions.run({ headers }, () => undefined);
  return new TestSession(handle, headers);
}

/** How a client presents its token to this application. */
function headersWith(token: string, app: INestApplicationContext): Readonly<Record<string, string>> {
  const { idTransport, cookie } = app.get<ResolvedSessionOptions>(RESOLVED_OPTIONS);
  if (idTransport === 'header') return { [SESSION_ID_HEADER]: token };
  const server: unknown = app.get(HttpAdapterHost).httpAdapter?.getHttpServer();
  return { cookie: `${new SessionCookie(cookie).nameFor(server instanceof TlsServer)}=${token}` };
}
