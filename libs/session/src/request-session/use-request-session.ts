import type { ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { BeanRegistry } from '../bean/bean-registry.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import { HTTP_SESSION_RUNTIME, HttpLifecycle, type HttpSessionRuntime } from '../http/http-lifecycle.js';
import { createSessionMiddleware } from '../http/session-middleware.js';
import type { ResolvedSessionOptions } from '../module/session.options.js';
import { RESOLVED_OPTIONS, SESSION_CLOCK } from '../module/session.providers.js';
import { AttributesBean } from '../request/attributes-bean.js';
import { CurrentRequest } from '../request/current-request.js';
import { HttpSession } from '../request/http-session.js';
import type { Clock } from '../store/clock.js';
import { isRequestSession } from './request-session.js';
import { type BridgeRuntime, type RequestWithProperties, SessionOfRequest } from './session-of-request.js';

type Next = (error?: unknown) => void;

/** The part of Fastify that puts properties on its requests. */
interface FastifyInstance {
  decorateRequest(
    name: string,
    property: { getter(this: { raw: RequestWithProperties }): unknown; setter(this: object, value: unknown): void },
  ): void;
}

/**
 * Puts `req.session` on each request, for middleware and strategies that were written for express-session:
 * `passport.session()`, OAuth clients that keep `state`, csrf-sync, connect-flash. On Fastify `request.session`, as
 * `@fastify/session` has it, for `@fastify/passport`. See {@link RequestSession} for what it does.
 *
 * Call it in `main.ts`, where `app.use(session({ … }))` stood: what is added after it finds the session. Each request
 * that passes it and brings an id costs a load, also where its route needs no session; put static files before it. When
 * the store is down, such a request is answered with 503.
 *
 * @throws SessionConfigurationError when `SessionModule` is not imported
 * @example
 * ```ts
 * const app = await NestFactory.create(AppModule);
 * useRequestSession(app);
 * app.use(passport.session());
 * await app.listen(3000);
 * ```
 * @see docs/request-session.md
 */
export function useRequestSession(app: INestApplication): void {
  const runtime = runtimeOf(app);
  const follow = createSessionMiddleware(runtime.current, runtime.http);
  app.use((request: RequestWithProperties, response: ServerResponse, next: Next) => {
    follow(request, response, () => void load(request, runtime, next));
  });
  if (runtime.platform !== 'fastify') return;
  (app.getHttpAdapter().getInstance() as FastifyInstance).decorateRequest('session', {
    getter() {
      return this.raw.session;
    },
    setter(value) {
      (this as { raw: RequestWithProperties }).raw.session = value;
    },
  });
}

async function load(request: RequestWithProperties, runtime: BridgeRuntime, next: Next): Promise<void> {
  const lifecycle = HttpLifecycle.of(request);
  // One that goes on as a WebSocket has none.
  if (!lifecycle || isRequestSession(request.session)) return next();
  try {
    if (request.session !== undefined) {
      throw new SessionConfigurationError(
        'useRequestSession(): the request has a session already, of another middleware: remove that',
      );
    }
    await runtime.session.load();
    new SessionOfRequest(request, lifecycle, runtime).begin();
  } catch (error) {
    return next(error);
  }
  return next();
}

function runtimeOf(app: INestApplication): BridgeRuntime {
  try {
    return {
      http: app.get<HttpSessionRuntime>(HTTP_SESSION_RUNTIME),
      session: app.get(HttpSession),
      current: app.get(CurrentRequest),
      options: app.get<ResolvedSessionOptions>(RESOLVED_OPTIONS),
      clock: app.get<Clock>(SESSION_CLOCK),
      attributes: app.get(BeanRegistry).find(AttributesBean) as SessionBean,
      platform: app.getHttpAdapter().getType() === 'fastify' ? 'fastify' : 'express',
    };
  } catch (error) {
    throw new SessionConfigurationError(
      'useRequestSession(): the application does not import SessionModule.forRoot()',
      { cause: error },
    );
  }
}
