// Installs what the package.json of a folder of test/compat names, unless it is there: `node install.mjs oldest`.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** jest calls it before it runs a project that is named after its folder. */
export default function installFor(_global, { displayName }) {
  if (!install(displayName.name)) throw new Error(`npm could not install test/compat/${displayName.name}`);
}

function install(folder) {
  const cwd = join(import.meta.dirname, folder);
  const isThere = spawnSync('npm', ['ls'], { cwd, stdio: 'ignore' }).status === 0;
  return isThere || spawnSync('npm', ['ci', '--prefer-offline'], { cwd, stdio: 'inherit' }).status === 0;
}

if (process.argv[1] === import.meta.filename) process.exitCode = install(process.argv[2]) ? 0 : 1;
