import { contestant } from '../apps/contestants.mjs';
import { Progress } from '../measure/progress.mjs';
import { inRandomOrder } from '../measure/random-order.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { WorkerProcess } from './worker-process.mjs';

/**
 * The contestants that run in the same round, and how many requests are in flight at once. Contestants that wait for
 * Redis get several, because real servers interleave such requests.
 */
const GROUPS = [
  {
    names: [
      'nest',
      'seams',
      'seams-interceptor',
      'memory',
      'memory-request-scope',
      'cached-bounded',
      'express-session-memory',
      'nestjs-cls-proxy',
    ],
    atOnce: 1,
  },
  { names: ['nest', 'external', 'express-session-redis'], atOnce: 16 },
  { names: ['nest-fastify', 'seams-fastify', 'memory-fastify', 'fastify-session-memory'], atOnce: 1 },
  { names: ['nest-fastify', 'external-fastify', 'fastify-session-redis'], atOnce: 16 },
];
const PATHS = ['/ping', '/read', '/peek', '/write'];

/**
 * Measures whole requests without sockets, which shows differences that HTTP runs cannot resolve. In each round every
 * contestant runs every path, one after the other. Each epoch starts new processes.
 */
export async function runInProcess({ node, major, firstEpoch, epochs, rounds, requests, warmUp, only, save }) {
  const progress = new Progress(`in process, Node ${major}`, epochs * GROUPS.length * (rounds + 2));
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    for (const { names: group, atOnce } of GROUPS) {
      const names = group.filter((name) => !only || only.test(name) || contestant(name).floor === name);
      const redis = await RedisUnderTest.start();
      const workers = [];
      progress.step('start');
      for (const name of names) {
        const worker = await WorkerProcess.start(name, { node, redisPort: redis.port });
        await worker.do('sessions', { count: 200, bytes: 0 });
        workers.push({ name, worker });
      }
      for (let round = 0; round <= rounds; round++) {
        progress.step(round === 0 ? 'warm-up' : `round ${round} of ${rounds} · ${names[0]} and others`);
        for (const path of PATHS) {
          for (const { name, worker } of inRandomOrder(workers)) {
            if (path === '/peek' && !contestant(name).isOurs) continue;
            const run = { path, requests: round === 0 ? warmUp : requests, concurrency: atOnce };
            const { cpuUs } = await worker.do('run', run);
            if (round > 0) save({ node: major, epoch, round, name, atOnce, path, cpuUs });
          }
        }
      }
      for (const { worker } of workers) await worker.stop();
      await redis.stop();
    }
  }
  progress.end();
}
