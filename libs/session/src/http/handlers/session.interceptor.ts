import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Observable } from 'rxjs';
import { HttpLifecycle } from '../http-lifecycle.js';
import { HandlerObserver } from './handler-observer.js';

/**
 * Stores the changes of a handler when it has finished, before Nest begins the response, so that a rejection reaches
 * the application's exception filters. When the handler threw, the filters are still to come and may touch beans: then
 * the response gate stores. Server-sent events have no end to wait for: the gate stores before their head,
 * `HttpSession.flush()` in between.
 *
 * Stands around handlers that have other interceptors, or whose controller Nest makes anew for each request; for the
 * others commit-after-handlers.ts does the same at less cost.
 *
 * There is one for all applications of a process, because it is bound through the metadata of controller classes, which
 * they share. It takes everything it needs from the request.
 */
class SessionInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = HttpLifecycle.of(execution.getArgByIndex(0));
    request?.state.timing?.enter('application');
    if (Reflect.hasMetadata(SSE_METADATA, execution.getHandler()) || !request?.handlerBegins()) return next.handle();
    return new Observable((subscriber) => HandlerObserver.follow(request, next.handle(), subscriber));
  }
}

/** The instance that the module binds to the controllers that need a session. */
export const sessionInterceptor = new SessionInterceptor();
