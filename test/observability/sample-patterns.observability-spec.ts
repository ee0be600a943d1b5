import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../support/free-port.js';
import type { Response } from 'supertest';
import { RedisServer } from '../support/redis-server.js';
import { type Method, ObservedClient } from './observed-client.js';
import { ObservedNode } from './observed-node.js';
import { PrometheusText } from '../support/prometheus-text.js';

type Environment = Readonly<Record<string, string>>;
const patterns: readonly Environment[] = [
  { SESSION_PATTERN: 'sticky' },
  { SESSION_PATTERN: 'external' },
  { SESSION_PATTERN: 'cached', NEAR_CACHE: 'bounded' },
  { SESSION_PATTERN: 'replicated', REPLICATION_SECRET: 'only for this test, 32 bytes...' },
];

describe.each(patterns)('two servers of the sample, $SESSION_PATTERN $NEAR_CACHE', (pattern) => {
  const usesRedis = ['external', 'cached'].includes(pattern['SESSION_PATTERN'] ?? '');
  let directory: string;
  let redis: RedisServer | undefined;
  let nodes: readonly [ObservedNode, ObservedNode];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-observed-'));
    redis = usesRedis ? await RedisServer.start() : undefined;
    const ports = [await freePort(), await freePort()];
    const PEERS = ports.map((port, i) => `s${i + 1}=127.0.0.1:${port}`).join();
    const start = (name: string, port = 0): Promise<ObservedNode> =>
      ObservedNode.start(name, directory, {
        ...pattern,
        ...(redis && { REDIS_URL: redis.url }),
        ...(pattern['SESSION_PATTERN'] === 'replicated' && { PEERS, REPLICATION_PORT: `${port}` }),
      });
    nodes = await Promise.all([start('s1', ports[0]), start('s2', ports[1])]);
  }, 120_000);
  afterEach(async () => {
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    await redis?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('send a session id only to its client, even when sessions end and the store goes away', async () => {
    const [one, two] = nodes;
    const clients = Array.from({ length: 10 }, () => new ObservedClient(one.url));
    const visit = async (client: ObservedClient): Promise<void> => {
      const send = (path: string, method?: Method): Promise<Response> => client.send(path, method);
      await send('/count');
      await Promise.all([send('/count'), send('/count'), send('/session')]);
      await client.send('/count', 'GET', undefined, two.url);
      await send('/count/peek');
      await send('/cart/items', 'POST');
    };
    await Promise.all(clients.map(visit));
    // Some sessions end. Their clients come back with their old cookies.
    await Promise.all(clients.slice(0, 3).map((client) => client.send('/session', 'DELETE')));
    await Promise.all(clients.map((client) => client.send('/count')));
    const metrics = await Promise.all(nodes.map(({ url }) => PrometheusText.of(url)));
    await redis?.stop();
    if (!redis) await one.stop();
    await Promise.all(clients.map((client) => client.send('/count', 'GET', undefined, two.url)));

    const ids = clients.flatMap((client) => [...client.ids]);
    const logs = await Promise.all(nodes.map((node) => node.text()));
    const texts = [...logs, ...metrics.map(({ text }) => text), ...clients.flatMap(({ told }) => told)];
    expect(ids.length).toBeGreaterThanOrEqual(10);
    expect(logs.every((log) => log.includes('"event":"session.request"'))).toBe(true);
    for (const id of ids) expect(texts.filter((text) => text.includes(id))).toEqual([]);
  });
});
