import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { addresses, forged, ignored, refusedByNode, shapes } from '../sample/bad-inputs/from-clients.js';
import { damagedKeys, refusedPayloads } from '../sample/bad-inputs/from-the-store.js';
import type { SampleUnderTest } from '../sample/bad-inputs/sample-under-test.js';
import { eventually } from '../support/eventually.js';
import { adapters } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';

/** The built sample. `npm run build` must run first. */
const MAIN = 'dist/main.js';

/** The lists of headers that are used here ask a sample for nothing. */
const NO_SAMPLE = undefined as unknown as SampleUnderTest;

describe.each(adapters)('R32 a process of the sample, $adapter,', ({ adapter }) => {
  let redisServer: RedisServer;
  let redis: Redis;
  let store: RedisSessionStore;
  let server: ServerProcess;
  beforeAll(async () => {
    redisServer = await RedisServer.start();
    redis = new Redis(redisServer.port, '127.0.0.1');
    store = new RedisSessionStore({ url: redisServer.url, onWarning: () => undefined });
    server = await ServerProcess.start(MAIN, {
      SESSION_PATTERN: 'external',
      REDIS_URL: redisServer.url,
      SESSION_SECRETS: 'a secret of thirty-two bytes....',
      HTTP_ADAPTER: adapter,
      HOST: '127.0.0.1',
      PORT: '0',
    });
    await eventually('a session starts', async () => (await get('/count')).cookies.length === 1);
  });
  afterAll(async () => {
    await server.stop();
    await store.close();
    redis.disconnect();
    await redisServer.stop();
  });
  const get = (path: string, ...headers: string[]) => RawClient.exchange(server.url, path, headers);
  const newToken = async () => /^sid=([^;]+)/.exec((await get('/count')).cookies[0] ?? '')?.[1] ?? '';

  async function put(token: string, payload: string): Promise<void> {
    const access = accessOf(token.slice(0, 65));
    const found = await store.load(access);
    const base = (found.outcome === 'found' && found.record.parts.get('counter')?.version) || null;
    const parts = new Map([['counter', { base, payload }]]);
    expect(await store.save({ access, writeId: token, mode: 'update', parts })).toMatchObject({ outcome: 'saved' });
  }

  it('survives every bad input of clients and of the store, writes no error, and serves on', async () => {
    const { pid } = server;
    const token = await newToken();
    for (const [, headers] of [...ignored, ...forged]) await get('/count', ...headers(token, NO_SAMPLE));
    for (const [, status, headers] of refusedByNode) {
      expect(await get('/count', ...headers(token, NO_SAMPLE))).toMatchObject({ status });
    }
    for (const [, address] of addresses) await get(address(token));
    for (const bytes of [...shapes.map(([, , text]) => text), '\0\xff\r\n\r\n', 'GET /count HTTP/1.1\r\nHo']) {
      const client = await RawClient.open(server.url);
      client.socket.write(bytes);
      // The last one is no whole request: nobody answers it.
      if (bytes.endsWith('\n') || bytes.endsWith('}')) await client.response();
      client.destroy();
    }
    const statuses: number[] = [];
    for (const [, payload] of refusedPayloads) {
      const own = await newToken();
      await put(own, payload);
      statuses.push((await get('/count', `Cookie: sid=${own}`)).status);
    }
    for (const [, damage] of damagedKeys) {
      const own = await newToken();
      const [key = ''] = await redis.keys(`*{${own.slice(0, 22)}}`);
      await damage(redis, key);
      statuses.push((await get('/count', `Cookie: sid=${own}`)).status);
    }

    expect(new Set(statuses)).toEqual(new Set([500]));
    expect((await get('/count', `Cookie: sid=${token}`)).body).toBe('counter=2');
    expect([server.isRunning, server.pid]).toEqual([true, pid]);
    // The log of Nest has the errors that were answered with 500. Nobody else writes there.
    const lines = server.errorOutput.split('\n');
    expect(lines.filter((line) => /unhandled|uncaught|Warning:/i.test(line))).toEqual([]);
  });
});
