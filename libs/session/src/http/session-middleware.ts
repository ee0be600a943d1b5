import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CurrentRequest } from '../request/current-request.js';
import { HttpLifecycle, type HttpSessionRuntime } from './http-lifecycle.js';

/** Makes an HttpLifecycle the current request around everything that handles it. Reads and parses nothing yet. */
export function createSessionMiddleware(current: CurrentRequest, runtime: HttpSessionRuntime) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void =>
    becomesSocket(request) ? next() : current.run(new HttpLifecycle(request, response, runtime), next);
}

/**
 * Whether a request goes on as a WebSocket. Plugins of Fastify route such requests like all others, and what handles
 * the messages runs in their context. No response ends there, with which changes could be stored.
 */
export function becomesSocket(request: IncomingMessage): boolean {
  // Node sets it for requests that it hands to a listener of `upgrade`, whatever their headers say.
  return (request as { readonly upgrade?: unknown }).upgrade === true;
}
