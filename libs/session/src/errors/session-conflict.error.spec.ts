import { describe, expect, it } from '@jest/globals';
import { SessionConflictError } from './session-conflict.error.js';

function conflicts(count: number): { bean: string; field: string }[] {
  return Array.from({ length: count }, (_, n) => ({ bean: 'cart', field: `field${n}` }));
}

describe('the text for operators of a SessionConflictError', () => {
  it('names the field', () => {
    expect(new SessionConflictError(conflicts(1)).detail).toMatch(/^cart\.field0 was changed by another request/);
  });

  it('names all fields', () => {
    expect(new SessionConflictError(conflicts(2)).detail).toMatch(/^cart\.field0, cart\.field1 were changed by/);
  });

  it('stays short, while the error has all of them', () => {
    const error = new SessionConflictError(conflicts(1_000));

    expect(error.detail).toMatch(/cart\.field9 and 990 more were changed by another request/);
    expect(error.detail.length).toBeLessThan(500);
    expect(error.conflicts).toHaveLength(1_000);
  });
});
