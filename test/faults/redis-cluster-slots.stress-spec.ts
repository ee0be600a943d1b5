import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { accessOf } from 'nestjs-session-beans/store-kit';
import { clusterSlot } from '../../libs/session/src/store/redis/redis-cluster.js';
import { type CountingApplication, startCounting } from '../support/counting-application.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisCluster } from '../support/redis-cluster.js';
import type { RedisServer } from '../support/redis-server.js';
import { SessionClient } from '../support/session-client.js';

const SESSIONS = 60;

/** Each slot goes once around the three masters. */
const MOVES = 3;

describe('F12: three masters and their slots, which move under load, and two servers', () => {
  let cluster: RedisCluster;
  let servers: CountingApplication[] = [];
  beforeAll(async () => {
    cluster = await RedisCluster.start({ masters: 3 });
    const start = async () => startCounting(await readyRedisStore({ url: cluster.url }));
    servers = [await start(), await start()];
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    await cluster?.stop();
  });

  it('lose no session and no acknowledged update, and refuse with nothing but 503', async () => {
    const clients = Array.from(
      { length: SESSIONS },
      (_, i) => new SessionClient((servers[i % servers.length] as CountingApplication).url),
    );
    for (const client of clients) await client.counts(1);
    const keys = clients.map(keyOf);
    expect(new Set(keys.map((key) => cluster.masterOf(key)))).toEqual(new Set(cluster.masters));

    const load = { isOver: false };
    const statuses = new Map<number, number>();
    const accepted = await Promise.all([
      ...clients.map(async (client) => {
        const counted = { accepted: 1, asked: 1 };
        while (!load.isOver) {
          const { status } = await client.post('/count');
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          counted.asked++;
          if (status === 201) counted.accepted++;
        }
        return counted;
      }),
      (async () => {
        for (let move = 0; move < MOVES; move++) {
          for (const key of keys) await moveOn(cluster, key, move);
        }
        load.isOver = true;
        return { accepted: 0, asked: 0 };
      })(),
    ]);

    expect([...statuses.keys()].filter((status) => status !== 201 && status !== 503)).toEqual([]);
    for (const [i, client] of clients.entries()) {
      const value = Number((await client.get('/read')).text.slice('true '.length));
      const { accepted: least, asked: most } = accepted[i] as (typeof accepted)[number];
      expect([least <= value && value <= most, least, value, most]).toEqual([true, least, value, most]);
      // It was counted on while slots moved.
      expect(least).toBeGreaterThan(1);
    }
  });
});

/** Moves the slot of a key from the master that has it to the next one. */
async function moveOn(cluster: RedisCluster, key: string, move: number): Promise<void> {
  const first = cluster.masters.indexOf(cluster.masterOf(key));
  const [from, to] = [first + move, first + move + 1].map((at) => cluster.masters[at % cluster.masters.length]) as [
    RedisServer,
    RedisServer,
  ];
  await cluster.moveSlot(clusterSlot(key), [key], from, to);
}

function keyOf({ cookie }: SessionClient): string {
  return `session:{${accessOf(cookie.slice(cookie.indexOf('=') + 1)).key}}`;
}
