import { once } from 'node:events';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { patterns } from './patterns.js';
import { plan, play } from './play.js';
import { RawFiles } from './raw-files.js';
import { writeExample } from './report/example.js';
import { writeReports } from './report/write.js';
import { type Size, sizes } from './step.js';
import { steps } from './steps/index.js';
import type { BalancerName, Topology } from './topology.js';

const USAGE = `npm run lab -- [options]

  --quick               two minutes instead of fifteen: fewer steps, shorter ones
  --full                both balancers, more rounds, 100,000 sessions
  --balancer NAME       haproxy (default) or nginx
  --pattern NAMES       only these: ${patterns.map(({ name }) => name).join(', ')}
  --scenario NAMES      only these: ${steps.map(({ name }) => name).join(', ')}
  --keep                leave the servers of the last step running, and say where they are
  --report              play nothing, write the reports of the last run again
  --example             also write the reports into docs/lab, with a picture
`;

const BALANCERS: readonly BalancerName[] = ['haproxy', 'nginx'];

/** A command line that says nothing which can be done. */
class UsageError extends Error {}

/** Runs the lab. @returns the exit code: 1 when a step failed, 2 for a command line that is wrong */
export async function main(args: string[]): Promise<number> {
  try {
    return await run(args);
  } catch (error) {
    const isUsage =
      error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
    if (!isUsage) throw error;
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
}

async function run(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      balancer: { type: 'string' },
      pattern: { type: 'string' },
      scenario: { type: 'string' },
      keep: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      example: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const size: Size = sizes[values.full ? 'full' : values.quick ? 'quick' : 'normal'];
  const named = values.scenario !== undefined;
  const cells = plan(
    chosen('--pattern', patterns, values.pattern),
    // A step that is asked for by its name is played, however long it takes.
    chosen('--scenario', steps, values.scenario).map((step) => (named ? { ...step, isLong: false } : step)),
    values.balancer === undefined && values.full ? BALANCERS : [balancerOf(values.balancer ?? 'haproxy')],
    size,
  );
  if (cells.length === 0) throw new UsageError('this scenario has no meaning for this pattern');
  const out = join(import.meta.dirname, 'out', size.name);
  const raw = new RawFiles(join(out, 'raw'));
  if (!values.report) {
    const kept = await play(cells, size, raw, { isKept: values.keep });
    if (kept) await keep(kept);
  }
  for (const file of writeReports(raw, out)) console.log(relative(process.cwd(), file));
  if (values.example) await writeExample(raw, 'docs/lab');
  console.log(`raw data: ${relative(process.cwd(), raw.directory)}`);
  return raw.read().some(({ error }) => error !== undefined) ? 1 : 0;
}

function chosen<T extends { readonly name: string }>(option: string, all: readonly T[], names?: string): readonly T[] {
  if (names === undefined) return all;
  return names.split(',').map((name) => {
    const found = all.find((one) => one.name === name);
    if (!found) throw new UsageError(`${option} ${name}: there are ${all.map((one) => one.name).join(', ')}`);
    return found;
  });
}

function balancerOf(name: string): BalancerName {
  const found = BALANCERS.find((one) => one === name);
  if (!found) throw new UsageError(`--balancer ${name}: there are ${BALANCERS.join(', ')}`);
  return found;
}

/** Leaves servers running until somebody interrupts the program. */
async function keep(topology: Topology): Promise<void> {
  console.log(`\nbalancer  ${topology.url}/count`);
  for (const { name, url, pid } of topology.cluster.nodes) console.log(`${name}        ${url}/count  (kill ${pid})`);
  if (topology.redis) console.log(`store     ${topology.redis.url}  (kill ${topology.redis.pid})`);
  console.log('\nCtrl+C ends them all.');
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
  await topology.stop();
}
