import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packInto } from '../packages/pack.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import type { Example } from './example.js';

const exec = promisify(execFile);

/** The examples as adopters have them: each in a folder of its own, with the package as it is published. Remove it. */
export class InstalledExamples {
  private readonly servers: RunningExample[] = [];

  private constructor(private readonly directory: string) {}

  /** Installs the dependencies of all at once, where each finds them. */
  static async install(examples: readonly Example[]): Promise<InstalledExamples> {
    const directory = await mkdtemp(join(tmpdir(), 'examples-'));
    await packInto(directory);
    const dependencies = Object.assign({}, ...examples.map(({ manifest }) => manifest.dependencies)) as object;
    const devDependencies = Object.assign({}, ...examples.map(({ manifest }) => manifest.devDependencies)) as object;
    const packed = { 'nestjs-session-beans': 'file:nestjs-session-beans.tgz' };
    const manifest = { private: true, dependencies: { ...dependencies, ...packed }, devDependencies };
    await writeFile(join(directory, 'package.json'), JSON.stringify(manifest));
    await exec('npm', ['install', '--prefer-offline', '--ignore-scripts'], { cwd: directory });
    for (const { name, directory: source } of examples) await cp(source, join(directory, name), { recursive: true });
    return new InstalledExamples(directory);
  }

  /** Rejects with what the compiler says. */
  async build(name: string): Promise<void> {
    await exec('npm', ['run', 'build'], { cwd: join(this.directory, name) });
  }

  async start(name: string, variables: Readonly<Record<string, string>> = {}): Promise<RunningExample> {
    const server = await RunningExample.start(join(this.directory, name), variables);
    this.servers.push(server);
    return server;
  }

  /** Stops the servers that still run. */
  async remove(): Promise<void> {
    for (const server of this.servers) await server.stop();
    await rm(this.directory, { recursive: true });
  }
}

/** The server of an example. */
export class RunningExample {
  private constructor(
    readonly address: string,
    private readonly process: ChildProcess,
    private readonly errors: readonly string[],
  ) {}

  static async start(directory: string, variables: Readonly<Record<string, string>>): Promise<RunningExample> {
    const port = await freePort();
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(process.execPath, ['dist/main.js'], {
      cwd: directory,
      env: { ...inherited, ...variables, PORT: `${port}` },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    await eventually('the example listens', async () => {
      if (child.exitCode !== null) throw new Error(`the example ended: ${errors.join('')}`);
      return fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      );
    });
    return new RunningExample(`127.0.0.1:${port}`, child, errors);
  }

  /** All that it has written to stderr. */
  get errorOutput(): string {
    return this.errors.join('');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null && this.process.kill(signal))
      await once(this.process, 'exit');
  }
}

/** Somebody who types the commands of a README, with files of their own. Remove it. */
export class Reader {
  private constructor(
    private readonly directory: string,
    private readonly address: string,
  ) {}

  /** @param address of the server, in place of the one in the README */
  static async at(address: string): Promise<Reader> {
    return new Reader(await mkdtemp(join(tmpdir(), 'reader-')), address);
  }

  /** The output of a command; curl's report of its progress is no part of it. */
  async type(command: string): Promise<string> {
    const typed = command.replaceAll(/localhost:\d+/g, this.address);
    const { stdout } = await exec('bash', ['-c', typed], { cwd: this.directory });
    return stdout.trimEnd();
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}
