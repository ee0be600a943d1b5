import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { CurrentRequest } from '../../request/current-request.js';
import { isPromise } from '../../store/maybe-promise.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import type { FrameworkRequest } from '../id/http-id-exchange.js';
import type { HandlerPlan } from './handler-plan.js';

/** Runs before all other guards. Loads the session of a handler that needs one, and nothing for the others. */
export class SessionGuard implements CanActivate {
  constructor(
    private readonly context: CurrentRequest,
    private readonly plan: HandlerPlan,
  ) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const handler = this.plan.of(execution.getClass(), execution.getHandler() as () => unknown);
    const request = this.context.request ?? HttpLifecycle.of(execution.getArgByIndex(0));
    if (!(request instanceof HttpLifecycle)) return true;
    const { state } = request;
    const { timing } = state;
    state.handler = handler.name;
    if (timing) timing.facts.handler = handler.name;
    // The other handlers enter this phase when they begin. These are not watched, so it begins here.
    if (!handler.needsSession || !handler.isAnswered) timing?.enter('application');
    if (!handler.needsSession) return true;
    const framework = execution.getType() === 'http' ? execution.getArgByIndex<FrameworkRequest>(0) : undefined;
    state.isReadOnly = handler.isReadOnly;
    const begun = request.begin(framework, handler.lockWaitMs);
    return isPromise(begun) ? begun.then(() => true) : true;
  }
}
