import { describe, expect, it } from '@jest/globals';
import * as ioredis from 'ioredis';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { ioredisClientFor } from './clients/connect-ioredis.js';
import { redisAddress } from './clients/redis-address.js';
import { connectRedis } from './connect-redis.js';

/** What the client was made with; it is not left to connect. */
function optionsOf(url: string): Record<string, unknown> {
  const client = ioredisClientFor(ioredis, redisAddress(url));
  client.on('error', () => undefined);
  client.disconnect();
  if (!(client instanceof ioredis.Cluster)) return { ...client.options };
  const { startupNodes } = client as unknown as { startupNodes: unknown };
  return { ...client.options, ...client.options.redisOptions, startupNodes };
}

describe('connectRedis', () => {
  it.each([
    ['redis://127.0.0.1', { host: '127.0.0.1', port: 6379, db: 0 }],
    ['redis://127.0.0.1:6380/3', { host: '127.0.0.1', port: 6380, db: 3 }],
    ['redis://[::1]:6380', { host: '::1', port: 6380 }],
    ['redis://app:secret@127.0.0.1', { username: 'app', password: 'secret' }],
    ['redis://:a%2Fb%40c:d@127.0.0.1', { username: null, password: 'a/b@c:d' }],
    ['rediss://127.0.0.1', { host: '127.0.0.1', tls: {} }],
    [
      'redis+sentinel://127.0.0.1:26380,127.0.0.2/main',
      {
        sentinels: [
          { host: '127.0.0.1', port: 26380 },
          { host: '127.0.0.2', port: 26379 },
        ],
        name: 'main',
      },
    ],
    [
      'rediss+sentinel://u:p@127.0.0.1/main',
      { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true, username: 'u', password: 'p' },
    ],
    [
      'redis+cluster://127.0.0.1:7000,127.0.0.1:7001',
      {
        startupNodes: [
          { host: '127.0.0.1', port: 7000 },
          { host: '127.0.0.1', port: 7001 },
        ],
      },
    ],
    ['rediss+cluster://u:p@127.0.0.1:7000', { tls: {}, username: 'u', password: 'p' }],
  ])('reads %s', (url, expected) => {
    expect(optionsOf(url)).toMatchObject(expected);
  });

  it.each(['redis://127.0.0.1', 'redis+sentinel://127.0.0.1/main', 'redis+cluster://127.0.0.1'])(
    'fails at once, and gives up what is silent, with %s',
    (url) => {
      expect(optionsOf(url)).toMatchObject({
        enableOfflineQueue: false,
        maxRetriesPerRequest: 0,
        autoResendUnfulfilledCommands: false,
        socketTimeout: 2_000,
        connectTimeout: 2_000,
      });
    },
  );

  it.each([
    'http://127.0.0.1',
    'redis://',
    'redis://127.0.0.1:99999',
    'redis://127.0.0.1,127.0.0.2',
    'redis://127.0.0.1/name',
    'redis://127.0.0.1?family=6',
    'redis://user:SECRET%zz@127.0.0.1',
    'redis://user:SEC/RET@127.0.0.1',
    'redis://user:SEC@RET@127.0.0.1',
    'redis+sentinel://127.0.0.1',
    'redis+cluster://127.0.0.1/3',
    'SECRET',
  ])('refuses %s without showing it', (url) => {
    expect(() => connectRedis(url)).toThrow(SessionConfigurationError);
    expect(() => connectRedis(url)).not.toThrow(/SEC|RET@/);
  });
});
