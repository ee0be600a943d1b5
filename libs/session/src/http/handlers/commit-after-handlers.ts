import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { Observable, isObservable } from 'rxjs';
import { isPromise } from '../../store/maybe-promise.js';
import type { CurrentRequest } from '../../request/current-request.js';
import type { HandlerMethod } from './handler-metadata.js';
import { HandlerObserver } from './handler-observer.js';
import type { PlannedController } from './handler-plan.js';
import { HttpLifecycle } from '../http-lifecycle.js';

/**
 * Stores what the handlers of a controller changed when they have finished, as the session interceptor does, by taking the places of their methods. Any interceptor
 * has Nest run a handler through observables and promises that cost more than all else we do for a request; where one stands anyway, ours has to stand
 * in front of it, since what it changes afterwards is stored with the handler's.
 *
 * The places are those of the instance, which is this application's: the class may be others', too. What was and will be said of a method
 * (metadata) is said of what takes its place.
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
    // A method of a controller may also be called by another one, or by anybody.
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

/** @returns what Nest is to answer, when it is true that it is stored */
function finished(request: HttpLifecycle, value: unknown): unknown {
  if (isObservable(value)) return observed(request, value);
  const stored = request.handlerEnded(value instanceof Response ? value.status : request.statusCode);
  return isPromise(stored) ? stored.then(() => value, refused(value)) : value;
}

function failed(request: HttpLifecycle, error: unknown): Promise<never> {
  const stored = request.handlerEnded(undefined, error);
  if (!isPromise(stored)) throw error;
  return stored.then(() => {
    throw error;
  });
}

function observed(request: HttpLifecycle, source: Observable<unknown>): Observable<unknown> {
  return new Observable((subscriber) => {
    const observer = new HandlerObserver(request, request, subscriber);
    subscriber.add(observer);
    subscriber.add(source.subscribe(observer));
  });
}

/** Another answer takes its place: what it would have been read from (an open file) is nobody else's to close. */
function refused(value: unknown): (failure: unknown) => never {
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
