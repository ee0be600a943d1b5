import { describe, expect, it } from '@jest/globals';
import { RareWarnings } from './wire-receiver.js';

describe('rare warnings', () => {
  it('tell the same once, and others as well', () => {
    const told: string[] = [];
    const warnings = new RareWarnings((warning) => told.push(warning));
    for (const warning of ['a', 'a', 'b', 'a']) warnings.warn(warning);
    expect(told).toEqual(['a', 'b']);
  });
});
