// npm run bench -- [--quick | --thorough] [--only <part of a name>]
//   [--parts http,in-process,growth,memory,lost-updates] [--node 24,20]
//   [--sizes 'one number,20 KB'] [--epochs <count>] [--add] [--report]
// The standard form takes 20 minutes on two idle cores: Node 24, two sizes. `--thorough` takes hours: both versions of
// Node, all sizes, more starts of each server.
// `--add` keeps the earlier samples of what is measured again; `--report` only writes the report of the last run.
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runGrowth } from './growth/run-growth.mjs';
import { runHttp } from './http/run-http.mjs';
import { runInProcess } from './in-process/run-in-process.mjs';
import { runLostUpdates } from './lost-updates/run-lost-updates.mjs';
import { LOAD_CORE } from './measure/cores.mjs';
import { nodes } from './measure/nodes.mjs';
import { runMemory } from './memory/run-memory.mjs';
import { intervals } from './report/http-tables.mjs';
import { samples } from './report/samples.mjs';
import { writeReport } from './report/write-report.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    thorough: { type: 'boolean', default: false },
    only: { type: 'string' },
    parts: { type: 'string', default: 'http,in-process,growth,memory,lost-updates' },
    node: { type: 'string' },
    sizes: { type: 'string' },
    epochs: { type: 'string' },
    add: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
});
const isQuick = values.quick;
const form = isQuick ? 'quick' : values.thorough ? 'thorough' : 'standard';
const only = values.only === undefined ? undefined : new RegExp(values.only);
const sizes = values.sizes?.split(',');
const RUNS = {
  http: {
    run: runHttp,
    thorough: { epochs: 3, rounds: 3, ms: 500, warmUp: { requests: 15_000, ms: 6_000 } },
    standard: { epochs: 2, rounds: 2, ms: 400, warmUp: { requests: 8_000, ms: 3_000 } },
    quick: { epochs: 1, rounds: 2, ms: 250, warmUp: { requests: 4_000, ms: 2_000 } },
  },
  'in-process': {
    run: runInProcess,
    thorough: { epochs: 3, rounds: 6, requests: 4_800, warmUp: 40_000 },
    standard: { epochs: 1, rounds: 4, requests: 4_800, warmUp: 15_000 },
    quick: { epochs: 1, rounds: 3, requests: 4_800, warmUp: 10_000 },
  },
  growth: {
    run: runGrowth,
    thorough: { rounds: 5, requests: 6_000, warmUp: 40_000 },
    standard: { rounds: 3, requests: 2_000, warmUp: 8_000 },
    quick: { rounds: 3, requests: 2_000, warmUp: 4_000 },
  },
  memory: {
    run: runMemory,
    thorough: { sessions: 50_000 },
    standard: { sessions: 20_000 },
    quick: { sessions: 10_000 },
  },
  'lost-updates': {
    run: runLostUpdates,
    thorough: { increments: 1000, repetitions: 3 },
    standard: { increments: 1000, repetitions: 1 },
    quick: { increments: 200, repetitions: 1 },
  },
};

const unknown = values.parts.split(',').find((part) => !(part in RUNS));
if (unknown !== undefined) throw new Error(`--parts ${unknown}: there are ${Object.keys(RUNS).join(', ')}`);
const binaries = nodes();
const majors = (values.node ?? (form === 'thorough' ? Object.keys(binaries).toReversed().join(',') : '24')).split(',');

// The load and the measuring stay off the server's core. Each server is started on that core.
spawnSync('taskset', ['-cp', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
const results = join(import.meta.dirname, 'results', isQuick ? 'quick' : 'full');
mkdirSync(results, { recursive: true });

if (!values.report) {
  for (const part of values.parts.split(',')) {
    const file = join(results, `${part}.jsonl`);
    // A run replaces the samples that it measures again, and keeps all others.
    const isMeasured = ({ node, name, size }) =>
      majors.includes(node) &&
      (!only || name === undefined || only.test(name)) &&
      (!sizes || size === undefined || sizes.includes(size));
    const kept = samples(results, part).filter((sample) => values.add || !isMeasured(sample));
    writeFileSync(file, kept.map((sample) => `${JSON.stringify(sample)}\n`).join(''));
    const firstEpoch = 1 + Math.max(-1, ...kept.map(({ epoch = -1 }) => epoch));
    const save = (sample) => appendFileSync(file, `${JSON.stringify(sample)}\n`);
    for (const major of majors) {
      await RUNS[part].run({
        ...RUNS[part][form],
        ...(values.epochs && { epochs: Number(values.epochs) }),
        firstEpoch,
        sizes,
        node: binaries[major],
        major,
        only,
        isQuick: form !== 'thorough',
        save,
      });
    }
  }
  const settings = Object.fromEntries(Object.entries(RUNS).map(([part, forms]) => [part, forms[form]]));
  writeFileSync(join(results, 'settings.json'), JSON.stringify(settings));
}
// Only a full run may write into the documentation.
const folder = isQuick ? results : join(import.meta.dirname, '../../docs');
console.log(intervals(samples(results, 'http')));
console.log(writeReport(results, folder));
