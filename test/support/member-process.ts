import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { transformFileSync } from '@swc/core';

const root = join(import.meta.dirname, '../..');

/**
 * The transports as they are in this working copy, and the parts of the core that they import, compiled into a
 * directory of their own. Processes that can be stopped start from it. Remove it.
 */
export class TransportBuild {
  readonly directory: string;

  constructor() {
    const cache = join(root, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    this.directory = mkdtempSync(join(cache, 'session-beans-transport-'));
    writeFileSync(join(this.directory, 'package.json'), '{ "type": "module" }');
    this.compile(join(root, 'libs/replicated/src'), join(this.directory, 'replicated'));
    const core = join(this.directory, 'node_modules/nestjs-session-beans');
    for (const room of ['errors', 'store'])
      this.compile(join(root, 'libs/session/src', room), join(core, 'dist', room));
    cpSync(join(root, 'libs/session/package.json'), join(core, 'package.json'));
    cpSync(join(import.meta.dirname, 'member-main.mjs'), join(this.directory, 'main.js'));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  private compile(from: string, to: string): void {
    for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('spec.ts')) continue;
      const { code } = transformFileSync(join(from, file), {
        swcrc: false,
        module: { type: 'es6' },
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
      });
      const target = join(to, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, code);
    }
  }
}

/** A member in a process of its own, which answers every text with its name, the caller's and the text. Stop it. */
export class MemberProcess {
  private constructor(private readonly process: ChildProcess) {}

  /** @param transport `tcp` or `grpc` */
  static async start(build: TransportBuild, transport: string, options: object): Promise<MemberProcess> {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, [join(build.directory, 'main.js'), transport, JSON.stringify(options)], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    for await (const line of createInterface(child.stdout)) if (line === 'listening') return new MemberProcess(child);
    throw new Error(`the member ended before it listened: ${errors.join('')}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }
}
