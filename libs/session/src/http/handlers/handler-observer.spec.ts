import { describe, expect, it } from '@jest/globals';
import { EMPTY, NEVER, type Observable, Subject, Observable as Rx, of, throwError } from 'rxjs';
import type { HttpLifecycle } from '../http-lifecycle.js';
import { HandlerObserver } from './handler-observer.js';

class TestRequest {
  readonly statusCode = 201;
  readonly ended: (number | undefined)[] = [];
  stored: Promise<void> | undefined;

  handlerEnded(status: number | undefined): Promise<void> | undefined {
    this.ended.push(status);
    return this.stored;
  }
}

function observed(request: TestRequest, handler: Observable<unknown>): Observable<unknown> {
  return new Rx((subscriber) => HandlerObserver.follow(request as unknown as HttpLifecycle, handler, subscriber));
}

/** The values or errors that a subscriber gets, and `.` for completion. */
function outcome(request: TestRequest, handler: Observable<unknown>): unknown[] {
  const seen: unknown[] = [];
  observed(request, handler).subscribe({
    next: (value) => seen.push(value),
    error: (error: Error) => seen.push(error.message),
    complete: () => seen.push('.'),
  });
  return seen;
}

describe('following a handler', () => {
  it('passes everything on in the same turn when there is nothing to wait for', () => {
    const request = new TestRequest();
    expect(outcome(request, of('a', 'b'))).toEqual(['a', 'b', '.']);
    expect(request.ended).toEqual([201]);
  });

  it('passes the last value on only when the changes are stored', async () => {
    const request = new TestRequest();
    let stored!: () => void;
    request.stored = new Promise((resolve) => (stored = resolve));
    const seen = outcome(request, of('a', 'b'));
    await Promise.resolve();
    expect(seen).toEqual(['a']);
    stored();
    await request.stored;
    expect(seen).toEqual(['a', 'b', '.']);
  });

  it('passes on the failure instead of the value when the changes are not stored', async () => {
    const request = new TestRequest();
    request.stored = Promise.reject(new Error('refused'));
    const seen = outcome(request, of('a'));
    await request.stored.catch(() => undefined);
    expect(seen).toEqual(['refused']);
  });

  it('tells no status when the handler failed or gave no value', () => {
    const request = new TestRequest();
    expect(
      outcome(
        request,
        throwError(() => new Error('failed')),
      ),
    ).toEqual(['failed']);
    expect(outcome(request, EMPTY)).toEqual(['.']);
    expect(request.ended).toEqual([undefined, undefined]);
  });

  it('takes the status of a web response', () => {
    const request = new TestRequest();
    outcome(request, of(new Response('', { status: 404 })));
    expect(request.ended).toEqual([404]);
  });

  it('ends once, also when the subscriber gives it up', () => {
    const request = new TestRequest();
    observed(request, NEVER).subscribe().unsubscribe();
    expect(request.ended).toEqual([undefined]);
    const subject = new Subject();
    const subscription = observed(request, subject).subscribe();
    subject.next('a');
    subject.complete();
    subscription.unsubscribe();
    expect(request.ended).toEqual([undefined, 201]);
  });
});
