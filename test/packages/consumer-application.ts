import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { typeScriptBlocks } from '../docs/typescript-blocks.js';
import { packInto } from './pack.js';

const root = join(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');
const exec = promisify(execFile);

/** A command that installs the dependencies of a directory, and one that runs a command of theirs. */
export interface PackageManager {
  readonly name: string;
  readonly install: readonly [string, ...string[]];
  readonly run: readonly [string, ...string[]];
  /** Files that it reads in the directory. */
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: Readonly<Record<string, string>>;
}

const npm: PackageManager = {
  name: 'npm',
  install: ['npm', 'install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund'],
  run: ['npm', 'exec', '--no', '--'],
};

export interface InstallOptions {
  readonly packageManager?: PackageManager;
  /** More than the fixture has. */
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A user's application in a directory of its own: it has the tarballs and the dependencies of its fixture. */
export class ConsumerApplication {
  private readonly servers: ChildProcess[] = [];

  private constructor(
    readonly directory: string,
    private readonly packageManager: PackageManager,
  ) {}

  /** Packs what `npm run build` built and installs it next to the dependencies in the package.json of the fixture. */
  static async install(
    fixture: string,
    { packageManager = npm, devDependencies = {} }: InstallOptions = {},
  ): Promise<ConsumerApplication> {
    const directory = await mkdtemp(join(tmpdir(), `${fixture}-`));
    await cp(join(fixtures, fixture), directory, { recursive: true });
    await cp(join(fixtures, 'application'), join(directory, 'src'), { recursive: true });
    await followReadme(directory, devDependencies);
    await packInto(directory);
    for (const [name, text] of Object.entries(packageManager.files ?? {})) await writeFile(join(directory, name), text);
    const application = new ConsumerApplication(directory, packageManager);
    await application.exec(packageManager.install);
    return application;
  }

  /** Runs a command that a dependency brings, with the package manager. Gives and rejects with its whole output. */
  runTool(...command: string[]): Promise<string> {
    return this.exec([...this.packageManager.run, ...command]);
  }

  /** Rejects with what the compiler of the fixture says. */
  async compile(...options: string[]): Promise<void> {
    const compiler = join(this.directory, 'node_modules/typescript/bin/tsc');
    await this.exec([process.execPath, compiler, '-p', this.directory, ...options]);
  }

  /** Starts an entry of the application as a server. Gives its address, once it listens. */
  async start(
    entry: string,
    variables: Readonly<Record<string, string>> = {},
    [runtime, ...options]: readonly [string, ...string[]] = [process.execPath],
  ): Promise<string> {
    const server = spawn(runtime, [...options, `dist/${entry}.js`], {
      cwd: this.directory,
      env: { ...environment(), ...variables },
    });
    this.servers.push(server);
    const errors: string[] = [];
    server.stderr.on('data', (chunk) => errors.push(String(chunk)));
    for await (const line of createInterface(server.stdout)) {
      const address = /^listening on (\S+)$/.exec(line)?.[1];
      if (address) return address;
    }
    throw new Error(`the application ended before it listened: ${errors.join('')}`);
  }

  /** Runs an entry of the application until it ends. Gives its output. Rejects if its exit code is not 0. */
  async run(entry: string): Promise<string> {
    const { stdout } = await exec(process.execPath, [`dist/${entry}.js`], { cwd: this.directory, env: environment() });
    return stdout;
  }

  /** Runs a script of the fixture until it ends. Rejects with what it prints if its exit code is not 0. */
  async runScript(script: string, ...args: string[]): Promise<void> {
    await exec(process.execPath, [script, ...args], { cwd: this.directory, env: environment() });
  }

  hasInstalled(name: string): boolean {
    return existsSync(join(this.directory, 'node_modules', name));
  }

  private async exec([command, ...args]: readonly [string, ...string[]]): Promise<string> {
    const env = { ...environment(), ...this.packageManager.environment };
    try {
      const { stdout, stderr } = await exec(command, args, { cwd: this.directory, env });
      return stdout + stderr;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`${[command, ...args].join(' ')}\n${stdout}${stderr}`, { cause: error });
    }
  }

  async remove(): Promise<void> {
    for (const server of this.servers) if (server.exitCode === null && server.kill()) await once(server, 'exit');
    await rm(this.directory, { recursive: true });
  }
}

/** The environment of the application, without the settings of this repository's tests. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_ENV: _1, NODE_OPTIONS: _2, FORCE_COLOR: _3, ...inherited } = process.env;
  return { ...inherited, NO_COLOR: '1' };
}

/**
 * Does in the application what the README says: its first block is the module, and jest gets its line. The examples of
 * docs/testing.md are tests of the application; test runners bring `it` and `expect` by themselves.
 */
async function followReadme(directory: string, devDependencies: Readonly<Record<string, string>>): Promise<void> {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const example = typeScriptBlocks(readme).find(({ name }) => name === 'app.module.ts');
  const [, line] = /^```json\n("transformIgnorePatterns": .*)\n```$/m.exec(readme) ?? [];
  if (!example || !line) throw new Error('README.md has no block app.module.ts, or no line for jest');
  await writeFile(join(directory, 'src/app.module.ts'), example.text);
  await mkdir(join(directory, 'test'), { recursive: true });
  for (const { name, text } of typeScriptBlocks(await readFile(join(root, 'docs/testing.md'), 'utf8'))) {
    const isSpec = name.endsWith('spec.ts');
    const path = join(directory, isSpec ? 'test' : 'src', name.replace('.spec.ts', '.e2e-spec.ts'));
    const alone = text.replace(/^import .* from '@jest\/globals';$/m, '');
    await writeFile(path, isSpec ? alone.replaceAll("from './", "from '../src/") : alone);
  }

  const path = join(directory, 'package.json');
  const manifest = JSON.parse(await readFile(path, 'utf8')) as Manifest;
  Object.assign(manifest.devDependencies, devDependencies);
  if (manifest.jest) Object.assign(manifest.jest, JSON.parse(`{${line}}`));
  await writeFile(path, JSON.stringify(manifest, null, 2));
  if (manifest.type === 'module') return;
  for (const folder of ['src', 'test']) await leaveOutExtensions(join(directory, folder));
}

/** As in projects of CommonJS: neither jest nor webpack finds `./counter.ts` for `./counter.js`. */
async function leaveOutExtensions(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replaceAll(/(from '[.][^']*)[.]js'/g, "$1'"));
  }
}

interface Manifest {
  readonly devDependencies: Record<string, string>;
  readonly jest?: object;
  readonly type?: string;
}
