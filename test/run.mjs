// The test command: the checks side by side, then jest with the newest and with the oldest peers. It ends with
// `N passed, N failed` on a line of its own: the sum of the tests jest ran and the checks, each counted as one.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const servers = spawnSync(process.execPath, [join(import.meta.dirname, 'setup/servers.mjs')], { stdio: 'inherit' });
if (servers.status !== 0) process.exit(1);
const compat = spawnSync('npm', ['run', '--silent', 'compat:install'], { stdio: 'inherit' });
if (compat.status !== 0) process.exit(1);

/** The longest first. What one line names runs one after the other. */
const checks = [['build', 'pack:check'], ['typecheck:oldest'], ['typecheck'], ['lint'], ['spell'], ['format:check']];

const results = [...(await inParallel(checks)), jest()];
for (const { name, failed } of results) if (failed > 0) console.log(`failed: npm run ${name}`);

const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** As many lines at a time as there are cores. */
async function inParallel(lines) {
  const waiting = [...lines];
  const checked = [];
  const work = async () => {
    for (let line = waiting.shift(); line; line = waiting.shift()) {
      for (const name of line) checked.push(await check(name));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return checked;
}

/** Runs a script of package.json and shows its output when it has ended. */
async function check(name) {
  const start = performance.now();
  const child = spawn('npm', ['run', '--silent', name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const status = await new Promise((resolve) => {
    child.on('close', resolve);
  });
  console.log(`\n== ${name}\n${output.trimEnd()}`);
  report(name, status, start);
  return { name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
}

function jest() {
  const name = 'test:both';
  const directory = mkdtempSync(join(tmpdir(), 'session-beans-test-'));
  const outputFile = join(directory, 'jest.json');
  try {
    console.log(`\n== ${name}`);
    const start = performance.now();
    const args = ['run', '--silent', name, '--', '--json', '--outputFile', outputFile];
    const { status } = spawnSync('npm', args, { stdio: 'inherit' });
    report(name, status, start);
    const tests = count(outputFile);
    // A run can fail without a failing test: no test found, an open handle, a crash.
    const failedSilently = tests.failed === 0 && (status !== 0 || tests.passed === 0);
    return failedSilently ? { name, ...tests, failed: 1 } : { name, ...tests };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function count(outputFile) {
  try {
    const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites } = JSON.parse(readFileSync(outputFile, 'utf8'));
    return { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function report(name, status, start) {
  console.log(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
