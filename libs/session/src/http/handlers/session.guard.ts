import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { LoginRequiredError } from '../../errors/login-required.error.js';
import type { CurrentRequest } from '../../request/current-request.js';
import type { RequestState } from '../../request/request-state.js';
import { isPromise } from '../../store/maybe-promise.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import type { FrameworkRequest } from '../id/http-id-exchange.js';
import type { HandlerPlan } from './handler-plan.js';
import type { LoginRequirement } from './session.decorators.js';

/** Runs before all other guards. Loads the session of a handler that needs one, and nothing for the others. */
export class SessionGuard implements CanActivate {
  constructor(
    private readonly context: CurrentRequest,
    private readonly plan: HandlerPlan,
  ) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const handler = this.plan.of(execution.getClass(), execution.getHandler() as () => unknown);
    const request = HttpLifecycle.of(execution.getArgByIndex(0)) ?? this.context.request;
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
    request.answersItself = handler.answersItself;
    const begun = request.begin(framework, handler.lockWaitMs);
    const { requiredLogin } = handler;
    if (isPromise(begun)) return begun.then(() => requiredLogin === undefined || isLoggedIn(state, requiredLogin));
    return requiredLogin === undefined || isLoggedIn(state, requiredLogin);
  }
}

/**
 * @throws LoginRequiredError when the session of the request is not that of a user who has logged in recently enough
 */
function isLoggedIn({ live }: RequestState, { maxAgeMs }: LoginRequirement): true {
  const age = live?.stored.msSinceLogin;
  if (age === undefined) throw new LoginRequiredError('anonymous', maxAgeMs);
  if (maxAgeMs !== undefined && age > maxAgeMs) throw new LoginRequiredError('too-old', maxAgeMs);
  return true;
}
