// Installs what the package.json of folders of test/compat name, unless it is there: `node install.mjs oldest graphql`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** jest calls it before it runs a project that is named after its folder. */
export default async function installFor(_global, { displayName }) {
  if (!(await install(displayName.name))) throw new Error(`npm could not install test/compat/${displayName.name}`);
}

async function install(folder) {
  const cwd = join(import.meta.dirname, folder);
  const isThere = await npm(['ls'], { cwd, stdio: 'ignore' });
  return isThere || npm(['ci', '--prefer-offline'], { cwd, stdio: 'inherit' });
}

async function npm(args, options) {
  const [status] = await once(spawn('npm', args, options), 'close');
  return status === 0;
}

if (process.argv[1] === import.meta.filename) {
  const installed = await Promise.all(process.argv.slice(2).map(install));
  process.exitCode = installed.every(Boolean) ? 0 : 1;
}
