import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CurrentRequest } from '../request/current-request.js';
import { HttpLifecycle, type HttpSessionRuntime } from './http-lifecycle.js';

/** Opens an empty session context around everything that handles the request. No I/O, and nothing is parsed yet. */
export function createSessionMiddleware(context: CurrentRequest, runtime: HttpSessionRuntime) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void =>
    context.run(new HttpLifecycle(request, response, runtime), next);
}
