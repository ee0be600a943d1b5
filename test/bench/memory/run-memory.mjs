import { contestant, contestants } from '../apps/contestants.mjs';
import { Client } from '../measure/client.mjs';
import { Progress } from '../measure/progress.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { Server } from '../measure/server.mjs';
import { Visitor } from '../measure/visitor.mjs';

const NAMES = [
  'memory',
  'express-session-memory',
  'fastify-session-memory',
  'cached-bounded',
  'replicated',
  'external',
  'express-session-redis',
  'fastify-session-redis',
];
const SIZES = { 'one number': '/write', '2 KB': '/fill?bytes=2048' };
const CONNECTIONS = 16;

/** Measures the memory of sessions: in the server's heap after a full garbage collection, and in Redis. */
export async function runMemory({ node, major, sessions, only, save }) {
  const names = NAMES.filter((name) => contestants.some((one) => one.name === name) && (!only || only.test(name)));
  const progress = new Progress(
    `memory of ${sessions} sessions, Node ${major}`,
    names.length * Object.keys(SIZES).length,
  );
  for (const name of names) {
    for (const [size, path] of Object.entries(SIZES)) {
      progress.step(`${name} · ${size}`);
      const redis = await RedisUnderTest.start();
      const server = await Server.start(name, { node, redisPort: redis.port });
      try {
        // These first sessions load code, open connections and grow tables, which must not count as memory of a
        // session.
        await create(server, path, 2_000);
        const before = { heap: (await server.memory()).heap, redis: await redis.usedBytes() };
        await create(server, path, sessions);
        const heap = ((await server.memory()).heap - before.heap) / sessions;
        const inRedis = contestant(name).state === 'redis' ? ((await redis.usedBytes()) - before.redis) / sessions : 0;
        save({ node: major, name, size, heap, redis: inRedis });
      } finally {
        await server.stop();
        await redis.stop();
      }
    }
  }
  progress.end();
}

async function create(server, path, count) {
  let left = count;
  const work = async () => {
    const client = new Client(server.port);
    while (left-- > 0) {
      const { status, body } = await client.get(path, new Visitor());
      if (status !== 200) throw new Error(`${path} was answered with ${status} ${body}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, work));
}
