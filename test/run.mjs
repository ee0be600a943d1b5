// The test command: each check once, then jest on Nest 12 and on Nest 11. Ends with `N passed, N failed` on a line of its own:
// the sum of the tests jest ran and the checks, each counted as one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const servers = spawnSync(process.execPath, [join(import.meta.dirname, 'setup/servers.mjs')], { stdio: 'inherit' });
if (servers.status !== 0) process.exit(1);

const checks = ['format:check', 'lint', 'typecheck', 'typecheck:nest11', 'build', 'pack:check'];
const suites = ['test:jest', 'test:nest11'];

const results = [...checks.map(check), ...suites.map(suite)];
for (const { name, failed } of results) if (failed > 0) console.log(`failed: npm run ${name}`);

const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function check(name) {
  const ok = run(name);
  return { name, passed: ok ? 1 : 0, failed: ok ? 0 : 1 };
}

function suite(name) {
  const directory = mkdtempSync(join(tmpdir(), 'session-beans-test-'));
  const outputFile = join(directory, 'jest.json');
  try {
    const ok = run(name, '--json', '--outputFile', outputFile);
    const tests = count(outputFile);
    // What fails without a failing test (no test found, an open handle, a crash) still fails the command.
    const failedSilently = tests.failed === 0 && (!ok || tests.passed === 0);
    return failedSilently ? { name, ...tests, failed: 1 } : { name, ...tests };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function count(outputFile) {
  try {
    const report = JSON.parse(readFileSync(outputFile, 'utf8'));
    return { passed: report.numPassedTests, failed: report.numFailedTests + report.numRuntimeErrorTestSuites };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function run(name, ...args) {
  console.log(`\n== ${name}`);
  const start = performance.now();
  const { status } = spawnSync('npm', ['run', '--silent', name, '--', ...args], { stdio: 'inherit' });
  console.log(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return status === 0;
}
