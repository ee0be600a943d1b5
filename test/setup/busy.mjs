// The tests on a busy machine: `npm run test:busy` runs `npm test` beside four times as much other work as the cores
// can do, `npm run test:busy -- test/faults` only the tests whose path contains that.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

// Threads of this process: they end with it, whatever ends it.
const load = Array.from({ length: 4 * availableParallelism() }, () => new Worker('for (;;);', { eval: true }));
console.log(`${load.length} threads keep the machine busy`);

const paths = process.argv.slice(2);
const [command, ...args] =
  paths.length === 0
    ? [process.execPath, join(import.meta.dirname, '../run.mjs')]
    : ['npm', 'run', '--silent', 'test:jest', '--', ...paths];
const tests = spawn(command, args, { stdio: 'inherit' });

// A terminal sends its signals to both.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => tests.kill('SIGTERM'));
tests.on('exit', (status) => process.exit(status ?? 1));
