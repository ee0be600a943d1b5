import { contestant } from '../apps/contestants.mjs';
import { runLoad } from '../measure/load.mjs';
import { Progress } from '../measure/progress.mjs';
import { inRandomOrder } from '../measure/random-order.mjs';
import { RedisUnderTest } from '../measure/redis.mjs';
import { groupsOfBlocks } from './blocks.mjs';
import { RunningContestant } from './running-contestant.mjs';

const CONNECTIONS = 32;

/**
 * At most this many contestants run between two measurements of the floor, because the speed of a machine changes by
 * the minute.
 */
const BETWEEN_FLOORS = 3;

/**
 * Starts all contestants of a group. Each round runs every block: the contestants one after the other, with the floor
 * before, between and after them. Each epoch starts new processes, because the code that a JIT compiler produces is
 * partly a matter of luck.
 * @param {{ node: string, major: string, firstEpoch: number, epochs: number, rounds: number, ms: number,
 *   warmUp: { requests: number, ms: number }, only?: RegExp, sizes?: string[], isQuick: boolean,
 *   save: (sample: object) => void }} options
 */
export async function runHttp({ node, major, firstEpoch, epochs, rounds, ms, warmUp, only, sizes, isQuick, save }) {
  const groups = groupsOfBlocks({ only, sizes, isQuick });
  const progress = new Progress(`HTTP, Node ${major}`, epochs * rounds * groups.flat().length);
  for (let epoch = firstEpoch; epoch < firstEpoch + epochs; epoch++) {
    for (const blocks of groups) {
      const redis = await RedisUnderTest.start();
      const running = new Map();
      try {
        for (const { floor, size, names } of blocks) {
          for (const name of [floor, ...names]) running.set(name, new Set([...(running.get(name) ?? []), size]));
        }
        for (const [name, needed] of running) {
          running.set(name, await RunningContestant.open(name, [...needed], { node, redisPort: redis.port, warmUp }));
        }
        for (let round = 1; round <= rounds; round++) {
          for (const block of blocks) {
            progress.step(`round ${round} of ${rounds} · ${block.names[0]} … · ${block.path} · ${block.size}`);
            const samples = await runBlock(running, redis, { ...block, names: inRandomOrder(block.names) }, ms);
            for (const sample of samples) save({ node: major, epoch, round, ...sample });
          }
        }
      } finally {
        for (const one of running.values()) await one.server?.stop();
        await redis.stop();
      }
    }
  }
  progress.end();
}

async function runBlock(running, redis, { floor, size, path, names }, ms) {
  const samples = [];
  const phase = (name) => runPhase(running.get(name), redis, { name, size, path }, ms);
  let before = await phase(floor);
  for (let at = 0; at < names.length; at += BETWEEN_FLOORS) {
    const between = [];
    for (const name of names.slice(at, at + BETWEEN_FLOORS)) between.push(await phase(name));
    const after = await phase(floor);
    const floorUs = (before.cpuUs + after.cpuUs) / 2;
    for (const sample of between) samples.push({ ...sample, floorUs });
    samples.push({ ...after, floorUs: after.cpuUs });
    before = after;
  }
  return samples;
}

async function runPhase({ server, visitors }, redis, { name, size, path }, ms) {
  const usesRedis = contestant(name).state === 'redis';
  const clients = visitors[size] ?? visitors['one number'];
  // Only this library has read-only requests. The others answer /read instead.
  const asked = path === '/peek' && contestant(name).app !== 'beans' ? '/read' : path;
  const load = {
    port: server.port,
    path: asked,
    visitors: clients,
    connections: Math.min(CONNECTIONS, clients.length),
  };
  // The first requests pay for cold processor caches, since other processes ran before, and for values that a write
  // made stale. They are not measured.
  await runLoad({ ...load, ms: ms / 4 });
  const trafficBefore = usesRedis ? await redis.traffic() : undefined;
  const cpuBefore = server.cpuUs;
  const { requests, seconds, p50, p99 } = await runLoad({ ...load, ms });
  const cpuUs = (server.cpuUs - cpuBefore) / requests;
  const sample = { name, size, path, cpuUs, perSecond: requests / seconds, p50, p99 };
  if (!usesRedis) return sample;
  const traffic = await redis.traffic();
  return { ...sample, ...perRequest(trafficBefore, traffic, requests, contestant(name).isOurs) };
}

function perRequest(before, after, requests, isOurs) {
  const per = (name) => (after[name] - before[name]) / requests;
  return {
    redisCalls: per(isOurs ? 'script' : 'plain'),
    redisIn: per('bytesIn'),
    redisOut: per('bytesOut'),
    redisCpuUs: per('cpuUs'),
  };
}
