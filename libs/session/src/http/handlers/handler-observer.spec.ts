import { describe, expect, it } from '@jest/globals';
import { EMPTY, NEVER, type Observable, Subject, Observable as Rx, of, throwError } from 'rxjs';
import { HandlerObserver } from './handler-observer.js';
import type { HttpLifecycle } from '../http-lifecycle.js';

class TestRequest {
  readonly ended: (number | undefined)[] = [];
  stored: Promise<void> | undefined;

  handlerEnded(status: number | undefined): Promise<void> | undefined {
    this.ended.push(status);
    return this.stored;
  }
}

function observed(request: TestRequest, handler: Observable<unknown>): Observable<unknown> {
  return new Rx((subscriber) => {
    const observer = new HandlerObserver(request as unknown as HttpLifecycle, { statusCode: 201 }, subscriber);
    subscriber.add(observer);
    subscriber.add(handler.subscribe(observer));
  });
}

/** What comes out, and `.` at the end. */
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

  it('keeps the last value until it is stored', async () => {
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

  it('passes on why it was not stored instead of the value', async () => {
    const request = new TestRequest();
    request.stored = Promise.reject(new Error('refused'));
    const seen = outcome(request, of('a'));
    await request.stored.catch(() => undefined);
    expect(seen).toEqual(['refused']);
  });

  it('knows no status when it failed, or gave nothing to answer with', () => {
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

  it('ends once, also when nobody waits for it any more', () => {
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
