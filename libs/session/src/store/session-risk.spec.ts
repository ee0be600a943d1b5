import { describe, expect, it } from '@jest/globals';
import { isLoopback } from './session-risk.js';

describe('isLoopback', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '[::1]', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST', 's1.localhost'])(
    'is true for %s',
    (host) => expect(isLoopback(host)).toBe(true),
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', 'fe80::1', 's1', 'localhost.example.org', '127.example.org', ''])(
    'is false for "%s"',
    (host) => expect(isLoopback(host)).toBe(false),
  );
});
