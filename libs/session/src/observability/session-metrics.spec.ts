import { describe, expect, it } from '@jest/globals';
import { requestFailure } from './session-metrics.js';

describe('how a request failed', () => {
  it.each([
    [200, true, undefined],
    [304, true, undefined],
    [404, true, 'client_error'],
    [409, true, 'conflict'],
    [500, true, 'server_error'],
    [503, true, 'unavailable'],
    [200, false, 'client_gone'],
  ])('is, with status %i, complete: %s, %s', (status, isComplete, failure) => {
    expect(requestFailure({ method: 'GET', status, isComplete, requestId: undefined })).toBe(failure);
  });
});
