// Builds the site into site/dist: `npm run docs`. `npm run docs -- --preview` serves it afterwards.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const site = import.meta.dirname;

function run(command, ...args) {
  const { status } = spawnSync(command, args, { cwd: site, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (spawnSync('npm', ['ls'], { cwd: site, stdio: 'ignore' }).status !== 0) run('npm', 'ci', '--prefer-offline');
run(process.execPath, 'stage.mjs');
run(process.execPath, 'node_modules/vitepress/bin/vitepress.js', 'build', '.');
console.log(`built: ${join(site, 'dist')}`);
if (process.argv.includes('--preview'))
  run(process.execPath, 'node_modules/vitepress/bin/vitepress.js', 'preview', '.');
