import { describe, expect, it } from '@jest/globals';
import { createClient, createClientPool, createCluster, createSentinel } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import type { RedisClient } from './redis-client.js';
import { resolveRedisOptions } from './redis-session-store.options.js';

const url = 'redis://app:hunter2@127.0.0.1';

describe('the options of RedisSessionStore', () => {
  it('have defaults', () => {
    const { onWarning, ...others } = resolveRedisOptions({ url });

    expect(others).toEqual({
      client: undefined,
      url,
      prefix: 'session:nestjs-session-beans-workspace:',
      maxRecordBytes: 4_194_304,
      durability: undefined,
      beatMs: 50,
    });
    expect(onWarning).toBeInstanceOf(Function);
    expect(resolveRedisOptions({ url, durability: { replicas: 2 } }).durability).toEqual({
      replicas: 2,
      timeoutMs: 500,
    });
  });

  it('are taken as they are given', () => {
    const client = new Redis({ lazyConnect: true });
    const given = {
      client,
      url: undefined,
      prefix: '',
      maxRecordBytes: 1024,
      durability: { replicas: 1, timeoutMs: 1 },
      beatMs: 10,
      onWarning: () => undefined,
    };

    expect(resolveRedisOptions(given)).toEqual({ ...given, client: expect.objectContaining({ client }) });
  });

  it.each<[string, RedisClient, boolean]>([
    ['Redis of ioredis', new Redis({ lazyConnect: true }), false],
    ['Cluster of ioredis', new Cluster([], { lazyConnect: true }), true],
    ['createClient() of node-redis', createClient(), false],
    ['createCluster() of node-redis', createCluster({ rootNodes: [] }), true],
    [
      'createSentinel() of node-redis',
      createSentinel({ name: 'main', sentinelRootNodes: [{ host: '::1', port: 1 }] }),
      false,
    ],
  ])('take a client: %s', (_title, client, isCluster) => {
    expect(resolveRedisOptions({ client }).client).toMatchObject({ isCluster });
  });

  it.each<[string, object]>([
    ['"beat": no such option; there are client, url, prefix', { url, beat: 50 }],
    ['beatMs = 9: allowed is a whole number of milliseconds from 10 to 1000', { url, beatMs: 9 }],
    ['beatMs = 1001: allowed is', { url, beatMs: 1_001 }],
    ['beatMs = 50.5: allowed is', { url, beatMs: 50.5 }],
    ['maxRecordBytes = 0: allowed is a whole number of bytes from 1024', { url, maxRecordBytes: 0 }],
    ['prefix = "a b": allowed is a text without braces', { url, prefix: 'a b' }],
    ['prefix = "{a}": allowed is', { url, prefix: '{a}' }],
    ['durability = null: allowed is an object', { url, durability: null }],
    ['durability.replicas = undefined: allowed is a whole number from 1', { url, durability: {} }],
    ['durability.replicas = 0: allowed is', { url, durability: { replicas: 0 } }],
    ['durability.timeoutMs = 1501: allowed is', { url, durability: { replicas: 1, timeoutMs: 1_501 } }],
    ['"durability.wait": no such option', { url, durability: { replicas: 1, wait: 5 } }],
    ['client = undefined: allowed is either a client or a url', {}],
    ['client = Object: allowed is either a client or a url', { url, client: {} }],
    ['client = Object: allowed is a client of ioredis, or of node-redis', { client: { url } }],
    ['client = Class: allowed is a client of ioredis, or of node-redis', { client: createClientPool() }],
    ['client = 6379: allowed is a client of ioredis', { client: 6379 }],
    ['url = Array: allowed is a text', { url: [url] }],
    ['onWarning = a string: allowed is a function', { url, onWarning: 'log' }],
  ])('are refused by name: %s', (text, options) => {
    const resolve = () => resolveRedisOptions(options);

    expect(resolve).toThrow(SessionConfigurationError);
    expect(resolve).toThrow(`RedisSessionStore option ${text}`);
    expect(resolve).not.toThrow('hunter2');
  });
});
