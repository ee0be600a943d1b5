import { expect } from '@jest/globals';
import { ANSWERED_WITHIN_MS } from '../support/counting-application.js';
import type { Answer } from '../support/session-client.js';

/** R24, R25: the answer says in time that the store failed. It does not say that there is no session. */
export function expectUnavailable({ status, text, retryAfter, setCookie, ms }: Answer): void {
  expect({ status, setCookie }).toEqual({ status: 503, setCookie: [] });
  // E9 Nobody is invited to repeat what may have been stored.
  const { applied } = JSON.parse(text) as { readonly applied: false | 'unknown' };
  expect([applied, retryAfter]).toEqual(applied === false ? [false, '1'] : ['unknown', undefined]);
  expect(ms).toBeLessThan(ANSWERED_WITHIN_MS);
}
