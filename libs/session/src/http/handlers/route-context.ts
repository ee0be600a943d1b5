import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpServer } from '@nestjs/common';
import type { CurrentRequest } from '../../request/current-request.js';
import { HttpLifecycle, type HttpSessionRuntime } from '../http-lifecycle.js';
import { becomesSocket } from '../session-middleware.js';

type Handler = (this: unknown, ...args: unknown[]) => unknown;

/**
 * The methods of the Express adapter with which Nest registers what answers requests; the request is their first
 * argument. Servers of GraphQL are middleware there, which goes past the adapter, but Nest registers some of its own
 * right before.
 */
const REGISTERING =
  'get post put patch delete head options all search query propfind proppatch mkcol copy move lock unlock use'.split(
    ' ',
  );

/** The part of Fastify that hears of all routes, also of those that plugins register past the adapter. */
interface FastifyInstance {
  addHook(name: 'onRoute', hook: (route: { handler: Handler }) => void): void;
}

/**
 * Makes each route run in the context of its request, also where something before it has lost that: middleware that
 * goes on in a callback of a database driver, in `request.on('end', next)`, in a hook of Fastify whose `done` comes
 * from elsewhere. Guards, pipes, interceptors, handlers and exception filters of a route all run within it. So do the
 * filters of requests that fail before our middleware, for example because their body cannot be read.
 *
 * Wraps handlers as they are registered. To enter the context anywhere later (`AsyncLocalStorage.enterWith`) would
 * leave it behind on a resource that other requests use, too, such as the connection of that driver.
 */
export function keepContextOnRoutes(adapter: HttpServer, current: CurrentRequest, runtime: HttpSessionRuntime): void {
  const newLifecycle = (request: IncomingMessage, response: unknown): HttpLifecycle =>
    new HttpLifecycle(request, rawOf(response) as ServerResponse, runtime);
  // Apart, so that only requests that have lost their context pay for the closure.
  const enter = (lifecycle: HttpLifecycle, handler: Handler, self: unknown, args: unknown[]): unknown =>
    current.run(lifecycle, () => Reflect.apply(handler, self, args));
  const inContext = (handler: Handler, requestAt: number): Handler => {
    const kept = function (this: unknown, ...args: unknown[]): unknown {
      const request = rawOf(args[requestAt]) as IncomingMessage;
      if (becomesSocket(request)) return Reflect.apply(handler, this, args);
      const lifecycle = HttpLifecycle.of(request) ?? newLifecycle(request, args[requestAt + 1]);
      if (lifecycle === current.request) return Reflect.apply(handler, this, args);
      return enter(lifecycle, handler, this, args);
    };
    // Adapters find metadata and versions of the handler on it, and Express tells handlers for errors by the length.
    Object.setPrototypeOf(kept, handler);
    return Object.defineProperties(kept, { name: { value: handler.name }, length: { value: handler.length } });
  };
  const wrap = (name: string, requestAt: number): void => {
    const register: unknown = Reflect.get(adapter, name);
    if (typeof register !== 'function') return;
    const value = (...args: unknown[]): unknown => {
      const kept = args.map((arg) => (isHandler(arg, requestAt) ? inContext(arg, requestAt) : arg));
      return Reflect.apply(register, adapter, kept);
    };
    Object.defineProperty(adapter, name, { value, configurable: true, writable: true });
  };
  wrap('setNotFoundHandler', 0);
  wrap('setErrorHandler', 1);
  if (adapter.getType() === 'fastify') {
    const fastify = adapter.getInstance() as FastifyInstance;
    fastify.addHook('onRoute', (route) => {
      route.handler = inContext(route.handler, 0);
    });
  } else {
    for (const name of REGISTERING) wrap(name, 0);
  }
}

/** Routers and applications of Express are functions as well. Handlers of errors take four arguments. */
function isHandler(value: unknown, requestAt: number): value is Handler {
  return typeof value === 'function' && !('handle' in value) && (requestAt === 1 || value.length < 4);
}

/** The object of Node behind that of the framework. */
function rawOf(message: unknown): unknown {
  return (message as { readonly raw?: unknown } | undefined)?.raw ?? message;
}
