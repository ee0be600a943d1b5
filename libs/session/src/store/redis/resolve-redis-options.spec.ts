import { describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { resolveRedisOptions } from './resolve-redis-options.js';

describe('resolveRedisOptions', () => {
  it.each([
    ['no such option', { url: 'redis://127.0.0.1', beat: 50 }],
    ['beatMs', { url: 'redis://127.0.0.1', beatMs: 9 }],
    ['beatMs', { url: 'redis://127.0.0.1', beatMs: 1_001 }],
    ['beatMs', { url: 'redis://127.0.0.1', beatMs: 50.5 }],
    ['maxRecordBytes', { url: 'redis://127.0.0.1', maxRecordBytes: 0 }],
    ['prefix', { url: 'redis://127.0.0.1', prefix: 'a b' }],
    ['durability.replicas', { url: 'redis://127.0.0.1', durability: { replicas: 0 } }],
    ['durability.timeoutMs', { url: 'redis://127.0.0.1', durability: { replicas: 1, timeoutMs: 1_501 } }],
    ['either an ioredis client or a url', {}],
  ])('refuses what cannot work and names it: %s', (named, options) => {
    expect(() => resolveRedisOptions(options)).toThrow(SessionConfigurationError);
    expect(() => resolveRedisOptions(options)).toThrow(named);
  });
});
