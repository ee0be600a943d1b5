import { parseArgs } from 'node:util';
import { RedisServer } from '../support/redis-server.js';
import { measure, usedMemory } from './measure.js';
import { type Demand, type Measured, plan, requestsPerRedisCore } from './plan.js';
import { saturate } from './saturate.js';
import { Sessions } from './sessions.js';

const USAGE = `npm run capacity -- [options]

  --sessions N      sessions that live at the same time: 1e6
  --rps N           requests with a session per second: 10e3
  --writes SHARE    share of them that change something: 0.5
  --bytes N         state of a session: 2000
  --handler-us N    CPU of a server for the rest of a request, µs: 300
  --load SHARE      share of cores, memory and network to plan with: 0.6
  --shard-gb N      memory of the machine of one shard: 32
  --shard-gbit N    its network, Gbit/s: 10
  --check           also fill one core of Redis, and compare with the prediction

Measures on this machine what the store's calls cost, in half a minute, and tells what that means. It needs
redis-server. docs/scale.md explains the figures.
`;

const OPTIONS = {
  sessions: { type: 'string', default: '1e6' },
  rps: { type: 'string', default: '10e3' },
  writes: { type: 'string', default: '0.5' },
  bytes: { type: 'string', default: '2000' },
  'handler-us': { type: 'string', default: '300' },
  load: { type: 'string', default: '0.6' },
  'shard-gb': { type: 'string', default: '32' },
  'shard-gbit': { type: 'string', default: '10' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

/** How far the prediction may be off. */
const TOLERANCE = 0.15;

/** @returns the exit code: 1 when the check failed */
export async function main(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: OPTIONS });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const number = (name: Exclude<keyof typeof OPTIONS, 'check' | 'help'>, most = Number.MAX_VALUE): number => {
    const value = Number(values[name]);
    if (!(value >= 0 && value <= most)) throw new Error(`--${name} ${values[name]} is not allowed; see --help`);
    return value;
  };
  const demand: Demand = {
    sessions: number('sessions'),
    rps: number('rps'),
    writes: number('writes', 1),
    handlerUs: number('handler-us'),
    load: number('load', 1),
    shardGb: number('shard-gb'),
    shardGbit: number('shard-gbit'),
  };
  const redis = await RedisServer.start('--appendonly', 'yes', '--appendfsync', 'everysec');
  try {
    const used = await usedMemory(redis);
    const sessions = await Sessions.create(redis, number('bytes', 1e6));
    const measured = await measure(redis, sessions, used);
    print(measured, demand);
    const isRight = !values.check || (await check(redis, sessions, measured, demand.writes));
    await sessions.close();
    return isRight ? 0 : 1;
  } finally {
    await redis.stop();
  }
}

function print(measured: Measured, demand: Demand): void {
  const { load, save, sessionBytes } = measured;
  const rows = Object.entries({ load, save }).map(
    ([name, cost]) =>
      `  ${name}: redisUs ${cost.redisUs.toFixed(1)}, serverUs ${cost.serverUs.toFixed(1)}, wireBytes ${Math.round(cost.wireBytes)}`,
  );
  say('one call of the store, on this machine:', ...rows, `  a session: sessionBytes ${Math.round(sessionBytes)}`, '');
  for (const { name, value, unit, formula } of plan(measured, demand)) {
    const figure = value.toLocaleString('en', { maximumSignificantDigits: 3 });
    say(`${name}: ${figure} (${unit})`, `  = ${formula}`);
  }
}

async function check(redis: RedisServer, sessions: Sessions, measured: Measured, writes: number): Promise<boolean> {
  const { requestsPerSecond, redisShare } = await saturate(redis, sessions, writes);
  const predicted = requestsPerRedisCore(measured, writes) * redisShare;
  const ratio = requestsPerSecond / predicted;
  say(
    '',
    `check: ${round(requestsPerSecond)} requests per second, while Redis had ${round(redisShare * 100)} % of a core`,
    `  predicted for that: ${round(predicted)}; measured / predicted = ${ratio.toFixed(2)}`,
  );
  return Math.abs(ratio - 1) <= TOLERANCE;
}

function round(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

function say(...lines: string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
