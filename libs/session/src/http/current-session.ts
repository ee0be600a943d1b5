import type { ExecutionContext } from '@nestjs/common';
import type { HttpSession } from '../context/http-session.js';
import { HttpRequestSession } from './http-request-session.js';

/** Gives a parameter marked `@CurrentSession()` its value. Nest keeps it beside the parameter: there the handler plan recognises it. */
export function currentSession(_: unknown, execution: ExecutionContext): HttpSession | undefined {
  return HttpRequestSession.of(execution.getArgByIndex(0))?.httpSession;
}
