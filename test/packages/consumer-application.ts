import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { typeScriptBlocks } from '../docs/typescript-blocks.js';

const root = join(import.meta.dirname, '../..');
const fixtures = join(import.meta.dirname, 'fixtures');
const exec = promisify(execFile);

/** Where the packages of the workspace are, by their names. */
const PACKAGES = { 'nestjs-session-beans': 'libs/session', 'nestjs-session-beans-replicated': 'libs/replicated' };

/** An application of somebody who uses the packages: in a directory of its own, with nothing but what was packed. */
export class ConsumerApplication {
  private server: ChildProcess | undefined;

  private constructor(readonly directory: string) {}

  /** Packs what `npm run build` built and installs it next to the dependencies in the package.json of the fixture. */
  static async install(fixture: string): Promise<ConsumerApplication> {
    const directory = await mkdtemp(join(tmpdir(), `${fixture}-`));
    await cp(join(fixtures, fixture), directory, { recursive: true });
    await cp(join(fixtures, 'application'), join(directory, 'src'), { recursive: true });
    await writeReadmeExample(join(directory, 'src'));
    for (const [name, folder] of Object.entries(PACKAGES)) await pack(join(root, folder), directory, name);
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

  /** Its address, once it listens. */
  async start(): Promise<string> {
    const { NODE_ENV: _, ...env } = process.env;
    const server = spawn(process.execPath, ['dist/main.js'], { cwd: this.directory, env });
    this.server = server;
    const errors: string[] = [];
    server.stderr.on('data', (chunk) => errors.push(String(chunk)));
    for await (const line of createInterface(server.stdout)) {
      const address = /^listening on (\S+)$/.exec(line)?.[1];
      if (address) return address;
    }
    throw new Error(`the application ended before it listened: ${errors.join('')}`);
  }

  async remove(): Promise<void> {
    if (this.server?.exitCode === null && this.server.kill()) await once(this.server, 'exit');
    await rm(this.directory, { recursive: true });
  }
}

/** Writes `<name>.tgz` into the directory. */
async function pack(folder: string, directory: string, name: string): Promise<void> {
  const own = await mkdtemp(join(directory, 'packed-'));
  await exec('npm', ['pack', '--ignore-scripts', '--pack-destination', own], { cwd: folder });
  const [tarball] = await readdir(own);
  if (!tarball) throw new Error(`npm pack wrote no tarball of ${name}`);
  await rename(join(own, tarball), join(directory, `${name}.tgz`));
  await rm(own, { recursive: true });
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
