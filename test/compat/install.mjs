// Installs what the package.json of a folder of test/compat names, unless it is there: `node install.mjs oldest`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const cwd = join(import.meta.dirname, process.argv[2]);
const installed = spawnSync('npm', ['ls'], { cwd, stdio: 'ignore' }).status === 0;
if (!installed) {
  process.exitCode = spawnSync('npm', ['ci', '--prefer-offline'], { cwd, stdio: 'inherit' }).status ?? 1;
}
