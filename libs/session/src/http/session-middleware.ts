import type { IncomingMessage, ServerResponse } from 'node:http';
import type { SessionContext } from '../context/session-context.js';
import { HttpRequestSession, type HttpSessionRuntime } from './http-request-session.js';

/** Opens an empty session context around everything that handles the request. No I/O, and nothing is parsed yet. */
export function createSessionMiddleware(context: SessionContext, runtime: HttpSessionRuntime) {
  return (request: IncomingMessage, response: ServerResponse, next: () => void): void =>
    context.run(new HttpRequestSession(request, response, runtime), next);
}
