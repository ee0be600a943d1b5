import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { Observable, isObservable } from 'rxjs';
import type { CurrentRequest } from '../../request/current-request.js';
import { isPromise } from '../../store/maybe-promise.js';
import { HttpLifecycle } from '../http-lifecycle.js';
import type { HandlerMethod } from './handler-metadata.js';
import { HandlerObserver } from './handler-observer.js';
import type { PlannedController } from './handler-plan.js';

/**
 * Stores the changes of the handlers of a controller when they have finished, like the session interceptor, by
 * replacing their methods. With any interceptor, Nest runs a handler through observables and promises that cost more
 * than the rest of our work for a request. Where an interceptor stands anyway, ours has to stand before it, because the
 * interceptor's changes are stored with the handler's.
 *
 * Replaces the methods of the instance, which belongs to this application only: others may use the class, too. The
 * replacement inherits from the method, so metadata of the method, present and future, is found on it as well.
 */
export function commitAfterHandlers({ handlers }: PlannedController, instance: object, context: CurrentRequest): void {
  for (const [key, { name }] of handlers) {
    const method = Reflect.get(instance, key) as HandlerMethod;
    const value = committing(method, name, context);
    Object.defineProperty(instance, key, { value, configurable: true, writable: true });
  }
}

function committing(method: HandlerMethod, name: string, context: CurrentRequest): HandlerMethod {
  const handler = function (this: unknown, ...args: never[]): unknown {
    const { request } = context;
    // Other code, another handler for instance, may call the method, too.
    const isHandler = request instanceof HttpLifecycle && request.handlerBegins(name);
    return isHandler ? follow(request, () => Reflect.apply(method, this, args)) : Reflect.apply(method, this, args);
  };
  Object.setPrototypeOf(handler, method);
  return Object.defineProperties(handler, { name: { value: method.name }, length: { value: method.length } });
}

function follow(request: HttpLifecycle, call: () => unknown): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    return failed(request, error);
  }
  if (!isThenable(result)) return finished(request, result);
  return Promise.resolve(result).then(
    (value) => finished(request, value),
    (error: unknown) => failed(request, error),
  );
}

/** @returns the handler's answer, once its changes are stored */
function finished(request: HttpLifecycle, value: unknown): unknown {
  if (isObservable(value)) {
    return new Observable((subscriber) => HandlerObserver.follow(request, value, subscriber));
  }
  const stored = request.handlerEnded(value instanceof Response ? value.status : request.statusCode);
  return isPromise(stored) ? stored.then(() => value, destroyAndRethrow(value)) : value;
}

function failed(request: HttpLifecycle, error: unknown): Promise<never> {
  const stored = request.handlerEnded(undefined, error);
  if (!isPromise(stored)) throw error;
  return stored.then(() => {
    throw error;
  });
}

/** The client gets another answer. A stream in the handler's answer (an open file) would then stay open. */
function destroyAndRethrow(value: unknown): (failure: unknown) => never {
  return (failure) => {
    const body = value instanceof StreamableFile ? value.getStream() : value;
    if (body instanceof Readable) body.destroy();
    throw failure;
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    typeof (value as Partial<PromiseLike<unknown>>).then === 'function'
  );
}
