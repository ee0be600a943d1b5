// Installs the Nest 11 packages unless they are there, at the pinned versions.
import { spawnSync } from 'node:child_process';

const cwd = import.meta.dirname;
const installed = spawnSync('npm', ['ls'], { cwd, stdio: 'ignore' }).status === 0;
if (!installed) {
  process.exitCode = spawnSync('npm', ['ci', '--prefer-offline'], { cwd, stdio: 'inherit' }).status ?? 1;
}
