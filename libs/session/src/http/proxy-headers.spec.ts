import { describe, expect, it } from '@jest/globals';
import { clientPath } from './proxy-headers.js';

describe('the path that a client asked for', () => {
  it.each([
    ['/', undefined, '/'],
    ['/a/b?c=/d', undefined, '/a/b'],
    ['/a#b', undefined, '/a'],
    ['/a?b\nc', undefined, '/a'],
    ['http://host.test:80/a?b', undefined, '/a'],
    ['http://host.test?b', undefined, '/'],
    ['//host/a', undefined, '//host/a'],
    ['*', undefined, '/*'],
    ['', undefined, '/'],
    ['/a', '/p', '/p/a'],
    ['/', '/p/', '/p/'],
    ['/a', '/p, /q/', '/p/q/a'],
    ['/a', '', '/a'],
  ])('A5: of %j with X-Forwarded-Prefix %j is %j', (target, prefix, path) => {
    expect(clientPath(target, { 'x-forwarded-prefix': prefix })).toBe(path);
  });
});
