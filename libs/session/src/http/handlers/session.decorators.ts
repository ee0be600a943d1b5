import { type ExecutionContext, SetMetadata, createParamDecorator } from '@nestjs/common';
import { OptionChecks } from '../../errors/option-checks.js';
import { SessionContextNotActiveError } from '../../errors/session-context-not-active.error.js';
import type { HttpSession } from '../../request/http-session.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import { requestBehind } from './resolver-arguments.js';

// The keys are the same in all copies of the package: what a decorator of another one says counts as well.

/** Metadata key: `true` loads the session, `false` does not, whatever the dependencies say. */
export const USES_SESSION = Symbol.for('nestjs-session-beans:uses-session');

/** Metadata key: how long to wait for the session's lock, in ms. */
export const SESSION_LOCK = Symbol.for('nestjs-session-beans:session-lock');

/** Metadata key: the handler changes nothing of the session. */
export const READ_ONLY_SESSION = Symbol.for('nestjs-session-beans:read-only-session');

/** Metadata key: a `LoginRequirement`. */
export const REQUIRED_LOGIN = Symbol.for('nestjs-session-beans:required-login');

/** The `HttpSession` of the application that a client of a WebSocket is connected to; SessionWebSocketsModule adds it. */
export const sessionOfClients = new WeakMap<object, HttpSession>();

/** The login that a handler requires. */
export interface LoginRequirement {
  /** How long ago it may be, in ms; undefined where that does not matter. */
  readonly maxAgeMs: number | undefined;
}

/**
 * Loads the session for a handler, or for all handlers of a controller, although nothing they depend on says so: for
 * beans obtained through `ModuleRef`, by passport strategies, or in code that Nest did not wire.
 *
 * @example
 * ```ts
 * @UseSession()
 * @Post('login')
 * login() {}
 * ```
 */
export const UseSession = (): ClassDecorator & MethodDecorator => SetMetadata(USES_SESSION, true);

/**
 * Loads no session for a handler, or for all handlers of a controller, although their dependencies lead to
 * session-scoped beans. The handler then does not depend on the store being up and costs no round trip. Touching a bean
 * in it throws `SessionContextNotActiveError`.
 *
 * Does not apply to request-scoped beans (`forFeature` with `Scope.REQUEST`): Nest builds the controller, and them,
 * before it looks at the handler.
 *
 * @example
 * ```ts
 * @SkipSession()
 * @Get('health')
 * health() {}
 * ```
 */
export const SkipSession = (): ClassDecorator & MethodDecorator => SetMetadata(USES_SESSION, false);

/**
 * Runs a handler, or each handler of a controller, one request after the other for each session, on all servers: for
 * side effects outside the session (payments, mails). The session itself needs no lock, and requests of other handlers
 * go on. Waits in the guard phase; the lock is held until the response is stored. Loads the session.
 *
 * @param waitMs how long to wait for the others, in ms, by default 5 s; then the answer is 503 `SessionBusyError`
 * @throws SessionConfigurationError when `waitMs` is not a whole number from 0
 * @see HttpSession.runExclusive for a part of a handler
 *
 * @example
 * ```ts
 * @SessionLock({ waitMs: 10_000 })
 * @Post('order')
 * order() {}
 * ```
 */
export function SessionLock({ waitMs = 5_000 }: { readonly waitMs?: number } = {}): ClassDecorator & MethodDecorator {
  new OptionChecks('@SessionLock()').wholeNumber('waitMs', waitMs, { least: 0, unit: 'milliseconds' });
  return SetMetadata(SESSION_LOCK, waitMs);
}

/**
 * Promises that a handler, or each handler of a controller, changes no bean and no attribute. Looking for changes is
 * then skipped, which for large beans is most of the cost of a request. Outside production (`NODE_ENV`) the promise is
 * checked: a change is not stored, and a warning names handler and bean. In production such a change is lost without a
 * warning.
 *
 * @example
 * ```ts
 * @ReadOnlySession()
 * @Get('cart')
 * show() {}
 * ```
 */
export const ReadOnlySession = (): ClassDecorator & MethodDecorator => SetMetadata(READ_ONLY_SESSION, true);

/**
 * Runs a handler, or each handler of a controller, only for a user who is logged in (`HttpSession.login`), and with
 * `maxAgeMs` only if that was not longer ago: for what asks for the password again (OIDC `max_age`, RFC 9470). The
 * answer is 401 `LoginRequiredError` otherwise, before other guards run. Loads the session, whatever else is declared.
 * On a handler it takes the place of the one on its controller.
 *
 * Refused at boot where it would be ignored: on handlers of messages (sockets, subscriptions, microservices), and on
 * field resolvers of GraphQL unless `fieldResolverEnhancers` has `'guards'`.
 *
 * @param requirement `maxAgeMs`: how long ago the login may be, in whole ms from 1; default: any time
 * @throws SessionConfigurationError when `maxAgeMs` cannot work
 *
 * @example
 * ```ts
 * @RequireLogin({ maxAgeMs: 5 * 60_000 })
 * @Post('change-password')
 * changePassword() {}
 * ```
 */
export function RequireLogin({ maxAgeMs }: { readonly maxAgeMs?: number | undefined } = {}): ClassDecorator &
  MethodDecorator {
  if (maxAgeMs !== undefined)
    new OptionChecks('@RequireLogin()').wholeNumber('maxAgeMs', maxAgeMs, { least: 1, unit: 'milliseconds' });
  return SetMetadata(REQUIRED_LOGIN, { maxAgeMs } satisfies LoginRequirement);
}

/**
 * Parameter of a handler, or of a resolver of GraphQL: its `HttpSession`. Loads the session for this handler.
 *
 * @throws SessionContextNotActiveError in handlers of anything else than an HTTP request, such as those of gateways
 *
 * @example
 * ```ts
 * @Get()
 * show(@CurrentSession() session: HttpSession) {}
 * ```
 */
export const CurrentSession: () => ParameterDecorator = createParamDecorator(currentSession);

/** Gives the parameter its value. Nest keeps the function with the parameter: so the handler plan recognises it. */
export function currentSession(_: unknown, execution: ExecutionContext): HttpSession {
  const request = HttpLifecycle.of(requestBehind(execution));
  if (request) return request.httpSession;
  const session = execution.getType() === 'ws' && sessionOfClients.get(execution.switchToWs().getClient<object>());
  if (session) return session;
  const handler = `${execution.getClass().name}.${execution.getHandler().name}`;
  throw SessionContextNotActiveError.withoutRequest('@CurrentSession()', handler);
}
