import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { clusterSlot } from '../../libs/session/src/store/redis/redis-cluster.js';
import { accessOf } from '../../libs/session/src/store/session-id.js';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { eventually } from '../support/eventually.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisCluster } from '../support/redis-cluster.js';
import type { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';

describe('an application with Redis Cluster', () => {
  let cluster: RedisCluster;
  let server: CountingApplication;
  beforeAll(async () => {
    cluster = await RedisCluster.start({ masters: 3, replicas: 3 });
    server = await startCounting(await readyRedisStore({ url: cluster.url }));
  });
  afterAll(async () => {
    await server?.close();
    await cluster?.stop();
  });

  it('F12: loses no update, and fails only with 503, while the slot of a session moves', async () => {
    const client = new SessionClient(server.url);
    await client.counts(1);
    const key = keyOf(client);
    const [from, to] = [cluster.masterOf(key), cluster.masters.find((node) => node !== cluster.masterOf(key))] as [
      RedisServer,
      RedisServer,
    ];

    const moving = (async () => {
      for (let round = 0; round < 3; round++) {
        await cluster.moveSlot(clusterSlot(key), [key], from, to);
        await cluster.moveSlot(clusterSlot(key), [key], to, from);
      }
      return 'moved' as const;
    })();
    const statuses: number[] = [];
    let outcome: string | number = 0;
    while (outcome !== 'moved') {
      const { status } = await client.post('/count');
      statuses.push(status);
      outcome = await Promise.race([moving, Promise.resolve(status)]);
    }

    const accepted = statuses.filter((status) => status === 201).length;
    const value = Number((await client.get('/read')).text.slice(5));
    expect(new Set([...statuses, 201, 503])).toEqual(new Set([201, 503]));
    expect(accepted).toBeGreaterThan(0);
    expect(value).toBeGreaterThanOrEqual(1 + accepted);
    expect(value).toBeLessThanOrEqual(1 + statuses.length);
  });

  it('F9: answers 503 after a master dies until its replica takes over, then finds the session', async () => {
    const client = new SessionClient(server.url);
    await client.counts(1);
    await client.counts(2);
    const master = cluster.masterOf(keyOf(client));
    const replica = cluster.replicas[cluster.masters.indexOf(master)] as RedisServer;
    const offset = await master.info('replication', 'master_repl_offset');
    await eventually('the replica is up to date', async () => {
      return Number(await replica.info('replication', 'slave_repl_offset')) >= Number(offset);
    });

    await master.kill();
    const outcomes = new Set<string>();
    await eventually('the replica has taken over', async () => {
      const { status, text, setCookie } = await client.get('/read');
      outcomes.add(`${status} ${status === 200 ? text : ''} ${setCookie.length}`);
      return status === 200;
    });

    expect([...outcomes].filter((outcome) => outcome !== '503  0')).toEqual(['200 true 2 0']);
    await eventually('it can be changed', async () => (await client.post('/count')).status === 201);
  });
});

function keyOf({ cookie }: SessionClient): string {
  return `session:{${accessOf(cookie.slice(cookie.indexOf('=') + 1)).key}}`;
}
