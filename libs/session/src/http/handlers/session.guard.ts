import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { LoginRequiredError } from '../../errors/login-required.error.js';
import { SessionContextNotActiveError } from '../../errors/session-context-not-active.error.js';
import { graphqlError } from '../../errors/session.error.js';
import type { CurrentRequest } from '../../request/current-request.js';
import type { RequestState } from '../../request/request-state.js';
import { isPromise } from '../../store/maybe-promise.js';
import { GraphqlOperations } from '../graphql-operations.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import type { FrameworkRequest } from '../id/http-id-exchange.js';
import { type HandlerMethod, handlerMetadata } from './handler-metadata.js';
import type { HandlerPlan, PlannedHandler } from './handler-plan.js';
import { requestBehind, resolverInfo, selectsOneOf } from './resolver-arguments.js';
import type { LoginRequirement } from './session.decorators.js';

/** Runs before all other guards. Loads the session of a handler that needs one, and nothing for the others. */
export class SessionGuard implements CanActivate {
  constructor(
    private readonly context: CurrentRequest,
    private readonly plan: HandlerPlan,
  ) {}

  canActivate(execution: ExecutionContext): boolean | Promise<boolean> {
    const handler = this.plan.of(execution.getClass(), execution.getHandler() as HandlerMethod);
    const framework = requestBehind(execution);
    const request = HttpLifecycle.of(framework) ?? this.context.request;
    if (!(request instanceof HttpLifecycle)) {
      if (handler.requiredLogin === undefined) return true;
      throw SessionContextNotActiveError.withoutRequest('@RequireLogin()', handler.name);
    }
    return execution.getType<string>() === 'graphql'
      ? this.admitResolver(request, framework, handler, execution)
      : admit(request, framework, handler);
  }

  /** Resolvers of one request run side by side, and several of them may load its session. */
  private async admitResolver(
    request: HttpLifecycle,
    framework: FrameworkRequest | undefined,
    handler: PlannedHandler,
    execution: ExecutionContext,
  ): Promise<boolean> {
    const { body } = (framework ?? {}) as { readonly body?: unknown };
    request.operations ??= new GraphqlOperations(Array.isArray(body) ? body.length : undefined);
    const isRoot = handlerMetadata.operation(execution.getHandler() as HandlerMethod) !== undefined;
    if (isRoot && this.plan.resolvers.has(execution.getClass())) request.operations.resolverAdmitted();
    const fieldsNeed = isRoot && selectsOneOf(resolverInfo(execution), this.plan.fieldsWithSession);
    const needsSession = handler.needsSession || fieldsNeed;
    const isReadOnly = handler.isReadOnly && !fieldsNeed;
    try {
      return await admit(request, framework, { ...handler, needsSession, isReadOnly });
    } catch (error) {
      throw graphqlError(error);
    }
  }
}

function admit(
  request: HttpLifecycle,
  framework: FrameworkRequest | undefined,
  handler: PlannedHandler,
): boolean | Promise<boolean> {
  const { state } = request;
  const { timing } = state;
  // A handler may pass a request on to another one while it runs: a promise of one is not that of both.
  const isFirst = state.handler === undefined;
  state.handler = handler.name;
  if (timing) timing.facts.handler = handler.name;
  // The other handlers enter this phase when they begin. These are not watched, so it begins here.
  if (!handler.needsSession || !handler.isAnswered) timing?.enter('application');
  if (!handler.needsSession) return true;
  const isReadOnly = handler.isReadOnly && (isFirst || state.isReadOnly);
  request.answersItself ||= handler.answersItself;
  // Middleware has loaded the session, and has promised nothing.
  const isUsed = isReadOnly && isFirst && state.phase === 'active';
  return isUsed ? beginOnStored(request, framework, handler) : begin(request, framework, handler, isReadOnly);
}

async function beginOnStored(
  request: HttpLifecycle,
  framework: FrameworkRequest | undefined,
  handler: PlannedHandler,
): Promise<boolean> {
  await request.storePending();
  return begin(request, framework, handler, true);
}

function begin(
  request: HttpLifecycle,
  framework: FrameworkRequest | undefined,
  { lockWaitMs, requiredLogin }: PlannedHandler,
  isReadOnly: boolean,
): boolean | Promise<boolean> {
  request.state.isReadOnly = isReadOnly;
  const begun = request.begin(framework, lockWaitMs);
  return isPromise(begun) ? hasLoginAfter(begun, request, requiredLogin) : hasLogin(request, requiredLogin);
}

function hasLoginAfter(
  begun: Promise<void>,
  request: HttpLifecycle,
  requirement: LoginRequirement | undefined,
): Promise<boolean> {
  return begun.then(() => hasLogin(request, requirement));
}

/** @throws what `requireLogin` throws; it is logged here, since no handler is reached that would be followed */
function hasLogin(request: HttpLifecycle, requirement: LoginRequirement | undefined): true {
  if (requirement === undefined) return true;
  try {
    requireLogin(request.state, requirement);
    return true;
  } catch (error) {
    request.noteRefusal(error);
    throw error;
  }
}

/**
 * @throws LoginRequiredError when the session of the request is not that of a user who has logged in recently enough;
 * SessionEndedError, SessionAmbiguousError when the client may have one that this is not
 */
export function requireLogin(state: RequestState, { maxAgeMs }: LoginRequirement): void {
  state.requireOneSession();
  const { live } = state;
  const age = live?.stored.msSinceLogin;
  if (age === undefined) throw new LoginRequiredError('anonymous', maxAgeMs);
  if (maxAgeMs !== undefined && age > maxAgeMs) throw new LoginRequiredError('too-old', maxAgeMs);
}
