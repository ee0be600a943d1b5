import { contestant } from '../apps/contestants.mjs';
import { Progress } from '../measure/progress.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { WorkerProcess } from './worker-process.mjs';

const GROUPS = [
  [
    'nest',
    'seams',
    'seams-interceptor',
    'memory',
    'memory-request-scope',
    'cached-bounded',
    'express-session-memory',
    'nestjs-cls-proxy',
  ],
  ['nest-fastify', 'seams-fastify', 'memory-fastify', 'fastify-session-memory'],
];
const PATHS = ['/ping', '/read', '/peek', '/write'];

/**
 * Whole requests without sockets: what HTTP runs cannot resolve. In each round everyone runs everything, one after the other; each boot is a
 * process anew.
 */
export async function runInProcess({ node, major, firstEpoch, epochs, rounds, requests, only, save }) {
  const progress = new Progress(`in process, Node ${major}`, epochs * GROUPS.length * (rounds + 2));
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    for (const group of GROUPS) {
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
          for (const { name, worker } of round % 2 ? workers : workers.toReversed()) {
            if (path === '/peek' && !contestant(name).isOurs) continue;
            // What it sends to Redis goes through a socket after all.
            if (path === '/write' && contestant(name).state === 'redis') continue;
            const { cpuUs } = await worker.do('run', { path, requests: round === 0 ? requests * 2 : requests });
            if (round > 0) save({ node: major, epoch, round, name, path, cpuUs });
          }
        }
      }
      for (const { worker } of workers) await worker.stop();
      await redis.stop();
    }
  }
  progress.end();
}
