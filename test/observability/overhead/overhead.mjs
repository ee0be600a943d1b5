// What being measured costs a request, in CPU time: the library alone, with the memory store and without Nest and
// sockets, which are the same for everybody and cost many times as much.
//
//   npm run build && node test/observability/overhead/overhead.mjs
//
// Compared is with the same build from whose core the hooks were removed (without-hooks.mjs); twice, which tells how
// much two processes that run the same differ. Each variant is a process of its own, as in real life; they take turns,
// one runs at a time, pinned to a core with taskset if you like. Of each the fastest quarter of its rounds counts,
// since what else runs on the machine can only slow it down. Told is the median over all boots of the difference, and
// how far the middle half of the boots is apart.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { inRandomOrder } from '../../bench/measure/random-order.mjs';
import { withoutHooks } from './without-hooks.mjs';

const BOOTS = Number(process.env.BOOTS ?? 10);
const TURNS = Number(process.env.TURNS ?? 8);
const WARM_UP_TURNS = Number(process.env.WARM_UP_TURNS ?? 12);
const ROUNDS = 4;
/** Long enough that every round has its share of garbage collection. */
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
  // A server runs for days: what the compiler does while it gets to know the kinds of requests is not what one of them
  // costs.
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
    const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => signed(quantile(differences, part)));
    const told = `${middle}  (${low} to ${high})`;
    const time = quantile(
      boots.map((one) => one[name]),
      0.5,
    );
    console.log(`  ${name.padEnd(24)} ${time.toFixed(2).padStart(6)}  ${name === 'without hooks' ? '' : told}`);
  }
}

/** The mean of the fastest quarter. */
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
