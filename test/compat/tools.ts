import { execFileSync, execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PackageManager } from '../packages/consumer-application.js';

const exec = promisify(execFile);
const tools = join(import.meta.dirname, 'tools/node_modules');

/** Installs the package managers and runtimes, unless they are there. */
export async function installTools(): Promise<void> {
  await exec(process.execPath, [join(import.meta.dirname, 'install.mjs'), 'tools']);
}

/** What runs a file, in place of Node. Install the tools before. */
export const runtimes: Readonly<Record<'bun' | 'deno', () => readonly [string, ...string[]]>> = {
  bun: () => [join(binaries('@oven'), 'bin/bun')],
  deno: () => [join(binaries('@deno'), 'deno'), 'run', '--allow-all'],
};

/** The packages of a scope are the binaries for this machine: one, or more that fit. */
function binaries(scope: string): string {
  const [name = ''] = readdirSync(join(tools, scope)).toSorted();
  return join(tools, scope, name);
}

const yarn = ['node', join(tools, '@yarnpkg/cli-dist/bin/yarn.js')] as const;
const yarn1 = ['node', join(tools, 'yarn/bin/yarn.js')] as const;
const pnpm = join(tools, '.bin/pnpm');

/** Package managers beside npm, as users have them. Install the tools before. */
export const packageManagers: readonly PackageManager[] = [
  { name: 'pnpm', install: [pnpm, 'install', '--ignore-scripts'], run: [pnpm, 'exec'] },
  {
    name: 'yarn 1',
    // With its usual cache, it would find an earlier tarball of this version. Packages of Fastify ask for Node 22.
    install: [...yarn1, ...'install --ignore-scripts --ignore-engines --no-lockfile --cache-folder=.cache'.split(' ')],
    run: [...yarn1, '--silent', 'run'],
  },
  { name: 'yarn', ...yarnWith('node-modules') },
  { name: "yarn Plug'n'Play", ...yarnWith('pnp') },
];

function yarnWith(nodeLinker: string): Omit<PackageManager, 'name'> {
  return {
    install: [...yarn, 'install'],
    run: [...yarn, 'run'],
    files: yarnFiles(nodeLinker),
    // It does not read the settings of npm.
    get environment() {
      const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' });
      return { YARN_NPM_REGISTRY_SERVER: registry.trim() };
    },
  };
}

/** The lock file makes the directory a project. `ts-jest` does not say that it needs `jest-util`. */
function yarnFiles(nodeLinker: string): Readonly<Record<string, string>> {
  const lines = [
    `nodeLinker: ${nodeLinker}`,
    'enableGlobalCache: false',
    'enableImmutableInstalls: false',
    'enableScripts: false',
    'enableTelemetry: false',
    'packageExtensions:',
    '  "ts-jest@*":',
    '    dependencies:',
    '      jest-util: "*"',
  ];
  return { 'yarn.lock': '', '.yarnrc.yml': `${lines.join('\n')}\n` };
}
