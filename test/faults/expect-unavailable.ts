import { expect } from '@jest/globals';
import { ANSWERED_WITHIN_MS } from '../support/counting-application.js';
import type { Answer } from '../support/session-client.js';

/** R24, R25: the answer says in time that the store failed. It does not say that there is no session. */
export function expectUnavailable({ status, retryAfter, setCookie, ms }: Answer): void {
  expect({ status, retryAfter, setCookie }).toEqual({ status: 503, retryAfter: '1', setCookie: [] });
  expect(ms).toBeLessThan(ANSWERED_WITHIN_MS);
}
