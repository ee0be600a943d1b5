import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CurrentRequest } from '../request/current-request.js';
import { HttpLifecycle, type HttpSessionRuntime } from './http-lifecycle.js';

/** Makes an HttpLifecycle the current request around everything that handles it. Reads and parses nothing yet. */
export function createSessionMiddleware(current: CurrentRequest, runtime: HttpSessionRuntime) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void =>
    current.run(new HttpLifecycle(request, response, runtime), next);
}
