import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { typeScriptBlocks } from '../docs/typescript-blocks.js';
import { packInto } from './pack.js';

const root = join(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');
const exec = promisify(execFile);

/** A user's application in a directory of its own: it has the tarballs and the dependencies of its fixture. */
export class ConsumerApplication {
  private readonly servers: ChildProcess[] = [];

  private constructor(readonly directory: string) {}

  /** Packs what `npm run build` built and installs it next to the dependencies in the package.json of the fixture. */
  static async install(fixture: string): Promise<ConsumerApplication> {
    const directory = await mkdtemp(join(tmpdir(), `${fixture}-`));
    await cp(join(fixtures, fixture), directory, { recursive: true });
    await cp(join(fixtures, 'application'), join(directory, 'src'), { recursive: true });
    await writeReadmeExample(join(directory, 'src'));
    await packInto(directory);
    await exec('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: directory });
    return new ConsumerApplication(directory);
  }

  /** Rejects with what the compiler of the fixture says. */
  async compile(...options: string[]): Promise<void> {
    const compiler = join(this.directory, 'node_modules/typescript/bin/tsc');
    try {
      await exec(process.execPath, [compiler, '-p', this.directory, ...options]);
    } catch (error) {
      throw new Error((error as { stdout: string }).stdout, { cause: error });
    }
  }

  /** Starts an entry of the application as a server. Gives its address, once it listens. */
  async start(entry: string, variables: Readonly<Record<string, string>> = {}): Promise<string> {
    const server = spawn(process.execPath, [`dist/${entry}.js`], {
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

  async remove(): Promise<void> {
    for (const server of this.servers) if (server.exitCode === null && server.kill()) await once(server, 'exit');
    await rm(this.directory, { recursive: true });
  }
}

/** The environment of the application, without the settings of this repository's tests. */
function environment(): NodeJS.ProcessEnv {
  const { NODE_ENV: _, ...inherited } = process.env;
  return inherited;
}

/** The bean and the module that the README begins with. */
async function writeReadmeExample(directory: string): Promise<void> {
  const blocks = typeScriptBlocks(await readFile(join(root, 'README.md'), 'utf8'));
  for (const name of ['counter.ts', 'app.module.ts']) {
    const block = blocks.find((candidate) => candidate.name === name);
    if (!block) throw new Error(`README.md has no block that begins with // ${name}`);
    await writeFile(join(directory, name), block.text);
  }
}
