import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { CurrentRequest } from '../request/current-request.js';
import { HttpLifecycle, type HttpSessionRuntime } from './http-lifecycle.js';

/**
 * Makes an HttpLifecycle the current request around everything that handles it, where nothing before it has done so
 * (`followRequests`), or where that was lost on the way. Reads and parses nothing yet.
 */
export function createSessionMiddleware(current: CurrentRequest, runtime: HttpSessionRuntime) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (becomesSocket(request)) return next();
    const known = HttpLifecycle.of(request);
    const lifecycle = known?.belongsTo(runtime) ? known : new HttpLifecycle(request, response, runtime);
    if (lifecycle === current.request) next();
    else current.run(lifecycle, next);
  };
}

/**
 * Whether a request goes on as a WebSocket. Plugins of Fastify route such requests like all others, and what handles
 * the messages runs in their context. No response ends there, with which changes could be stored.
 */
export function becomesSocket(request: IncomingMessage): boolean {
  // Node sets it for requests that it hands to a listener of `upgrade`, whatever their headers say.
  return (request as { readonly upgrade?: unknown }).upgrade === true;
}

/**
 * Does the same for middleware that stands before ours: `app.use()` adds it before the module is configured. The
 * middleware remains for requests that come past the server: those of serverless platforms, and of Fastify's `inject`.
 */
export function followRequests(server: Server, current: CurrentRequest, runtime: HttpSessionRuntime): void {
  const emit = server.emit.bind(server) as (...event: unknown[]) => boolean;
  server.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (event !== 'request') return emit(event, ...args);
    const [request, response] = args as [IncomingMessage, ServerResponse];
    return current.run(new HttpLifecycle(request, response, runtime), () => emit(event, ...args));
  };
}
