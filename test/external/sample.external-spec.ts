import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '../support/client.js';
import { rounds } from '../support/rounds.js';
import { RedisServer } from '../support/redis-server.js';
import { ServerProcess } from '../support/server-process.js';

const REQUESTS = rounds(250, 1_000);

/** The built sample. `npm run build` must run first. */
const MAIN = 'dist/main.js';

describe('four servers of the sample with SESSION_PATTERN=external', () => {
  let redis: RedisServer;
  let servers: ServerProcess[];
  let client: Client;
  beforeAll(async () => {
    redis = await RedisServer.start();
    const adapters = ['express', 'fastify', 'express', 'fastify'];
    servers = await Promise.all(
      adapters.map((adapter) =>
        ServerProcess.start(MAIN, {
          SESSION_PATTERN: 'external',
          REDIS_URL: redis.url,
          HTTP_ADAPTER: adapter,
          HOST: '127.0.0.1',
          PORT: '0',
        }),
      ),
    );
    client = new Client();
    await client.text(`${urlOf(0)}/count`);
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    await redis.stop();
  });
  const urlOf = (i: number): string => servers[i % servers.length]?.url ?? '';

  it('F27 count like one server: each request sees what the last one stored on another server', async () => {
    for (let i = 1; i <= rounds(30, 100); i++) expect(await client.text(`${urlOf(i)}/count`)).toBe(`counter=${i + 1}`);
  });

  it('lose none of many concurrent requests', async () => {
    const before = Number((await client.text(`${urlOf(0)}/count/peek`)).slice('counter='.length));
    const responses = await Promise.all(Array.from({ length: REQUESTS }, (_, i) => client.get(`${urlOf(i)}/count`)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(await client.text(`${urlOf(3)}/count/peek`)).toBe(`counter=${before + REQUESTS}`);
  });

  it('all forget a session that ends on one of them', async () => {
    expect((await client.delete(`${urlOf(0)}/session`)).status).toBe(204);
    for (let i = 0; i < 4; i++) expect((await client.get(`${urlOf(i)}/session`)).status).toBe(404);
  });
});
