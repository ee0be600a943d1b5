// Installs the libraries that the benchmark compares with, at pinned versions, unless they are there.
import { spawnSync } from 'node:child_process';

const cwd = import.meta.dirname;
const installed = spawnSync('npm', ['ls'], { cwd, stdio: 'ignore' }).status === 0;
if (!installed) {
  process.exitCode = spawnSync('npm', ['ci', '--prefer-offline'], { cwd, stdio: 'inherit' }).status ?? 1;
}
