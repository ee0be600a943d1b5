import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Observable, catchError, from, lastValueFrom } from 'rxjs';
import { graphqlError } from '../../errors/session.error.js';
import type { GraphqlOperations } from '../graphql-operations.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import { type ControllerType, type HandlerMethod, handlerMetadata } from './handler-metadata.js';
import { HandlerObserver } from './handler-observer.js';
import { requestBehind } from './resolver-arguments.js';

/**
 * Stores the changes of a handler when it has finished, before Nest begins the response, so that a rejection reaches
 * the application's exception filters. When the handler threw, the filters are still to come and may touch beans: then
 * the response gate stores. Server-sent events have no end to wait for: the gate stores before their head,
 * `HttpSession.flush()` in between.
 *
 * Stands around handlers that have other interceptors, or whose controller Nest makes anew for each request; for the
 * others commit-after-handlers.ts does the same at less cost. Stands around all resolvers of GraphQL: Nest runs the
 * methods of their prototypes.
 *
 * There is one for all applications of a process, because it is bound through the metadata of controller classes, which
 * they share. It takes everything it needs from the request.
 */
class SessionInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = HttpLifecycle.of(requestBehind(execution));
    if (request?.operations) return resolve(request, request.operations, execution, next);
    request?.state.timing?.enter('application');
    if (Reflect.hasMetadata(SSE_METADATA, execution.getHandler()) || !request?.handlerBegins()) return next.handle();
    return new Observable((subscriber) => HandlerObserver.follow(request, next.handle(), subscriber));
  }
}

/** The instance that the module binds to the controllers that need a session. */
export const sessionInterceptor = new SessionInterceptor();

function resolve(
  request: HttpLifecycle,
  operations: GraphqlOperations,
  execution: ExecutionContext,
  next: CallHandler,
): Observable<unknown> {
  const type: ControllerType = execution.getClass();
  const method = execution.getHandler() as HandlerMethod;
  const operation = handlerMetadata.operation(method);
  if (operation) operations.resolverBegins();
  if (operation === 'Mutation' && !operations.isInMutation) {
    const name = handlerMetadata.nameOf(type, method);
    return from(operations.inTurn(() => mutate(request, name, next)));
  }
  return next.handle().pipe(
    catchError((error: unknown) => {
      operations.failed();
      request.state.cancelLogin();
      throw graphqlError(error);
    }),
  );
}

/** A mutation is a transaction of its own. */
async function mutate(request: HttpLifecycle, name: string, next: CallHandler): Promise<unknown> {
  try {
    await request.storePending();
    request.state.handler = name;
    if (!request.handlerBegins()) return await mutateUnfollowed(request, next);
    let value: unknown;
    try {
      value = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      await request.handlerEnded(500, error);
      throw error;
    }
    await request.handlerEnded(200);
    return value;
  } catch (error) {
    throw graphqlError(error);
  }
}

/** It needs no session, or its client left during an earlier mutation. */
async function mutateUnfollowed(request: HttpLifecycle, next: CallHandler): Promise<unknown> {
  const value: unknown = await lastValueFrom(next.handle(), { defaultValue: undefined });
  await request.storePending();
  return value;
}
