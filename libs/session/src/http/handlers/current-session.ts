import type { ExecutionContext } from '@nestjs/common';
import type { HttpSession } from '../../request/http-session.js';
import { HttpLifecycle } from '../http-lifecycle.js';

/** Gives a parameter marked `@CurrentSession()` its value. Nest keeps it beside the parameter: there the handler plan recognises it. */
export function currentSession(_: unknown, execution: ExecutionContext): HttpSession | undefined {
  return HttpLifecycle.of(execution.getArgByIndex(0))?.httpSession;
}
