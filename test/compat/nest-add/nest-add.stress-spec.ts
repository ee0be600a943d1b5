import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packInto } from '../../packages/pack.js';
import { Client } from '../../support/client.js';
import { eventually } from '../../support/eventually.js';
import { freePort } from '../../support/free-port.js';
import { Registry } from './registry.js';

const exec = promisify(execFile);
const tools = join(import.meta.dirname, 'node_modules');

/** pnpm 12 refuses the command line of the Nest CLI. */
const pnpm = join(tools, '.bin/pnpm');

let directory: string;
let registry: Registry;

beforeAll(async () => {
  await exec(process.execPath, [join(import.meta.dirname, '../install.mjs'), 'nest-add']);
  directory = await mkdtemp(join(tmpdir(), 'nest-add-'));
  await packInto(directory);
  registry = await Registry.with(join(directory, 'nestjs-session-beans.tgz'));
});

afterAll(async () => {
  registry?.close();
  await rm(directory, { recursive: true, force: true });
});

const npm = ['npm', 'install', '--prefer-offline', '--ignore-scripts'];

describe.each([
  { release: 11, manager: 'npm', store: 'memory', install: npm },
  { release: 11, manager: 'pnpm', store: 'redis', install: [pnpm, 'install', '--ignore-scripts'] },
  { release: 12, manager: 'npm', store: 'memory', install: npm },
  { release: 12, manager: 'pnpm', store: 'redis', install: [pnpm, 'install', '--ignore-scripts'] },
])('nest add in a project that the CLI of Nest $release made for $manager', ({ release, manager, store, install }) => {
  let project: string;

  beforeAll(async () => {
    const cli = join(tools, `nest-cli-${release}/bin/nest.js`);
    const name = `project-${release}-${manager}`;
    await run(directory, [process.execPath, cli, 'new', name, '-p', manager, '--skip-install', '--skip-git']);
    project = join(directory, name);
    await run(project, install);
    await run(project, nestAdd(store));
  });

  it('installs the package and what its store needs, and nothing else', async () => {
    const { dependencies } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Manifest;
    const ofNest = ['@nestjs/common', '@nestjs/core', '@nestjs/platform-express', 'reflect-metadata', 'rxjs'];
    const added = ['nestjs-session-beans', ...(store === 'redis' ? ['ioredis'] : [])];

    expect(Object.keys(dependencies).toSorted()).toEqual([...ofNest, ...added].toSorted());
    for (const name of added) {
      await expect(readFile(join(project, 'node_modules', name, 'package.json'))).resolves.toBeDefined();
    }
  });

  it('leaves a project that builds, and whose own tests pass', async () => {
    await run(project, ['npm', 'run', 'build']);
    await run(project, ['npm', 'test']);
    if (store === 'memory') await run(project, ['npm', 'run', 'test:e2e']);
  });

  if (store === 'memory') {
    it('leaves an application that counts the requests of a session', async () => {
      const port = await freePort();
      const server = spawn(process.execPath, ['dist/main.js'], { cwd: project, env: environment({ PORT: `${port}` }) });
      try {
        const client = new Client(`http://127.0.0.1:${port}`);
        await eventually('the application answers', async () => (await client.get('/')).status === 200);

        expect(await client.text('/counter')).toBe('counter=1');
        expect(await client.text('/counter')).toBe('counter=2');
        expect(await new Client(`http://127.0.0.1:${port}`).text('/counter')).toBe('counter=1');
      } finally {
        if (server.exitCode === null && server.kill()) await once(server, 'exit');
      }
    });
  }

  it('changes nothing the second time', async () => {
    const before = await sources();

    expect(await run(project, nestAdd(store))).toContain('src/app.module.ts sets up sessions already');
    expect(await sources()).toEqual(before);
  });

  async function sources(): Promise<Readonly<Record<string, string>>> {
    const files = await Promise.all(['src', 'test'].map((it) => readdir(join(project, it), { recursive: true })));
    const paths = [
      'package.json',
      ...(files[0] ?? []).map((it) => `src/${it}`),
      ...(files[1] ?? []).map((it) => `test/${it}`),
    ];
    const texts = paths.filter((path) => /[.]\w+$/.test(path));
    return Object.fromEntries(
      await Promise.all(texts.map(async (path) => [path, await readFile(join(project, path), 'utf8')])),
    );
  }
});

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
}

function nestAdd(store: string): readonly string[] {
  return [process.execPath, 'node_modules/@nestjs/cli/bin/nest.js', 'add', 'nestjs-session-beans', `--store=${store}`];
}

/** Gives what the command prints, and rejects with it. */
async function run(cwd: string, [command = '', ...args]: readonly string[]): Promise<string> {
  const running = exec(command, args, { cwd, env: environment({ npm_config_registry: registry.address }) });
  // A question would wait for an answer that nobody gives.
  running.child.stdin?.end();
  try {
    const { stdout, stderr } = await running;
    return stdout + stderr;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${[command, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}

/** Without the settings of these tests, and with pnpm where the CLI looks for it. */
function environment(more: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { NODE_ENV: _1, NODE_OPTIONS: _2, FORCE_COLOR: _3, JEST_WORKER_ID: _4, ...inherited } = process.env;
  return { ...inherited, PATH: `${join(tools, '.bin')}:${inherited.PATH}`, NO_COLOR: '1', ...more };
}
