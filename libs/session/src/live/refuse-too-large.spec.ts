import { describe, expect, it } from '@jest/globals';
import { SessionStateError } from '../errors/session-state.error.js';
import { refuseTooLarge } from './apply-commit.js';

const of = (parts: Record<string, string>): Map<string, string> => new Map(Object.entries(parts));

describe('refuseTooLarge', () => {
  it('counts UTF-8 bytes and names the largest bean, the size and the limit', () => {
    expect(() => refuseTooLarge(of({ a: 'x'.repeat(100) }), of({}), 100)).not.toThrow();
    const attempt = (): void => refuseTooLarge(of({ small: 'x', large: '€'.repeat(34) }), of({}), 100);
    expect(attempt).toThrow(SessionStateError);
    expect(attempt).toThrow('large is 102 bytes large and the session would have 103; maxSessionBytes allows 100');
  });

  it('lets a session that is too large already change and shrink, but not grow', () => {
    const before = of({ a: 'x'.repeat(200) });
    expect(() => refuseTooLarge(of({ a: 'y'.repeat(200) }), before, 100)).not.toThrow();
    expect(() => refuseTooLarge(of({ a: 'y'.repeat(150) }), before, 100)).not.toThrow();
    expect(() => refuseTooLarge(of({ a: 'y'.repeat(201) }), before, 100)).toThrow(SessionStateError);
  });
});
