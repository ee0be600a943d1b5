// Measures the CPU time that observability adds to a request. Only the library is measured, with the memory store. Nest
// and sockets are left out: they cost many times as much, and the same in every variant.
//
// npm run build && node test/observability/overhead/overhead.mjs
//
// The baseline is the same build without its hooks (see without-hooks.mjs). It runs twice, which shows how much two
// equal processes differ. Each variant runs in a process of its own. The processes take turns, one at a time; `taskset`
// can pin them to a core. Of each process the fastest quarter of its rounds counts, because other load on the machine
// can only slow a round down. The report gives the median of the differences over all boots, and the range of the
// middle half of the boots.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { inRandomOrder } from '../../bench/measure/random-order.mjs';
import { withoutHooks } from './without-hooks.mjs';

const BOOTS = Number(process.env.BOOTS ?? 10);
const TURNS = Number(process.env.TURNS ?? 8);
const WARM_UP_TURNS = Number(process.env.WARM_UP_TURNS ?? 12);
const ROUNDS = 4;
/** Long enough that every round includes its share of garbage collection. */
const REQUESTS = 2_000;
const KINDS = { none: 'needs no session', read: 'reads a bean', write: 'changes a bean' };

const here = resolve('libs/session/dist');
const unhooked = withoutHooks(here, join(import.meta.dirname, 'dist'));
const variants = {
  'without hooks': [unhooked, 'off'],
  'without hooks, again': [unhooked, 'off'],
  'nobody listens': [here, 'off'],
  'a listener': [here, 'listener'],
  'metrics on': [here, 'metrics'],
  'metrics, Server-Timing': [here, 'header'],
};
const names = Object.keys(variants);
const times = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, []]));

async function ask(child, kind) {
  child.send({ kind, rounds: ROUNDS, requests: REQUESTS });
  return (await once(child, 'message'))[0];
}

for (let boot = 0; boot < BOOTS; boot++) {
  const children = {};
  for (const name of boot % 2 ? names : names.toReversed()) {
    const child = fork(join(import.meta.dirname, 'variant.mjs'), variants[name]);
    await once(child, 'message');
    children[name] = child;
  }
  // A server runs for days. The compiler's work during its first requests is no cost of a single request.
  for (let turn = 0; turn < WARM_UP_TURNS; turn++)
    for (const kind of Object.keys(KINDS)) for (const name of names) await ask(children[name], kind);
  for (const kind of Object.keys(KINDS)) {
    const own = Object.fromEntries(names.map((name) => [name, []]));
    for (let turn = 0; turn < TURNS; turn++) {
      for (const name of inRandomOrder(names)) own[name].push(...(await ask(children[name], kind)));
    }
    times[kind].push(Object.fromEntries(names.map((name) => [name, fastest(own[name])])));
  }
  for (const child of Object.values(children)) child.disconnect();
  await Promise.all(Object.values(children).map((child) => child.exitCode ?? once(child, 'exit')));
}

console.log(`Node ${process.version}, ${BOOTS} boots, µs of CPU time per request`);
for (const [kind, boots] of Object.entries(times)) {
  console.log(KINDS[kind]);
  for (const name of names) {
    const differences = boots.map((one) => one[name] - one['without hooks']);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((share) => signed(quantile(differences, share)));
    const difference = `${middle}  (${low} to ${high})`;
    const time = quantile(
      boots.map((one) => one[name]),
      0.5,
    );
    console.log(`  ${name.padEnd(24)} ${time.toFixed(2).padStart(6)}  ${name === 'without hooks' ? '' : difference}`);
  }
}

/** The mean of the fastest quarter of the rounds. */
function fastest(all) {
  const best = all.toSorted((a, b) => a - b).slice(0, Math.ceil(all.length / 4));
  return best.reduce((sum, time) => sum + time, 0) / best.length;
}

function quantile(all, share) {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return below + (above - below) * (at - Math.floor(at));
}

function signed(time) {
  return `${time < 0 ? '−' : '+'}${Math.abs(time).toFixed(2)}`;
}
