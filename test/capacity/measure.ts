import type { RedisServer } from '../support/redis-server.js';
import type { CallCost, Measured } from './plan.js';
import type { Sessions } from './sessions.js';

/** Requests of a busy server that ask the store at the same time. */
const AT_ONCE = 64;

/** Each call is measured over so many. */
const CALLS = 60_000;

interface Figures {
  readonly redisUs: number;
  readonly serverUs: number;
  readonly wireBytes: number;
}

/** @param used memory that Redis had in use before there were sessions */
export async function measure(redis: RedisServer, sessions: Sessions, used: number): Promise<Measured> {
  const count = sessions.accesses.length;
  const sessionBytes = ((await usedMemory(redis)) - used) / count;
  const rounds = Math.ceil(CALLS / count);
  const load = await perRequest(redis, sessions, rounds, (access) => sessions.load(access));
  const both = await perRequest(redis, sessions, rounds, async (access) =>
    sessions.save(access, await sessions.load(access)),
  );
  const save: CallCost = {
    redisUs: both.redisUs - load.redisUs,
    serverUs: both.serverUs - load.serverUs,
    wireBytes: both.wireBytes - load.wireBytes,
  };
  return { load, save, sessionBytes };
}

export async function usedMemory(redis: RedisServer): Promise<number> {
  return Number(await redis.info('memory', 'used_memory'));
}

/** CPU of the thread that answers commands so far, µs: it is the one that gets full. */
export async function redisCpuUs(redis: RedisServer): Promise<number> {
  const [user, system] = [
    await redis.info('cpu', 'used_cpu_user_main_thread'),
    await redis.info('cpu', 'used_cpu_sys_main_thread'),
  ];
  return (Number(user) + Number(system)) * 1e6;
}

async function perRequest(
  redis: RedisServer,
  sessions: Sessions,
  rounds: number,
  request: Parameters<Sessions['each']>[1],
): Promise<CallCost> {
  await sessions.each(AT_ONCE, request);
  const before = await figures(redis);
  for (let round = 0; round < rounds; round++) await sessions.each(AT_ONCE, request);
  const after = await figures(redis);
  const requests = rounds * sessions.accesses.length;
  const each = (of: keyof Figures): number => (after[of] - before[of]) / requests;
  return { redisUs: each('redisUs'), serverUs: each('serverUs'), wireBytes: each('wireBytes') };
}

async function figures(redis: RedisServer): Promise<Figures> {
  const { user, system } = process.cpuUsage();
  const bytes = [
    await redis.info('stats', 'total_net_input_bytes'),
    await redis.info('stats', 'total_net_output_bytes'),
  ];
  return {
    redisUs: await redisCpuUs(redis),
    serverUs: user + system,
    wireBytes: Number(bytes[0]) + Number(bytes[1]),
  };
}
