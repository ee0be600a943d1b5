import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

/** A redis-server of the test's own, on a free port, in a directory of its own. Stop it. */
export class RedisServer {
  private process: ChildProcess | undefined;
  private output = '';
  readonly directory = mkdtempSync(join(tmpdir(), 'session-beans-redis-'));

  private constructor(
    readonly port: number,
    private readonly args: readonly string[],
    private readonly config: string | undefined,
  ) {}

  static start(...args: string[]): Promise<RedisServer> {
    return RedisServer.startWith(args, undefined);
  }

  /** With a configuration file, which the server may write to: what sentinels need. */
  static startConfigured(config: string, ...args: string[]): Promise<RedisServer> {
    return RedisServer.startWith(args, config);
  }

  private static async startWith(args: readonly string[], config: string | undefined): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), args, config);
      try {
        await server.run();
        return server;
      } catch (error) {
        await server.stop();
        // Somebody else may have taken the port.
        if (attempt === 3) throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  /** Starts it (again), on the same port and directory. Resolves when it answers. */
  async run(): Promise<void> {
    const file = join(this.directory, 'redis.conf');
    const isFirst = this.process === undefined;
    if (isFirst && this.config !== undefined) writeFileSync(file, this.config);
    const settings = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.directory];
    const saving = this.config === undefined ? ['--save', ''] : [];
    const own = this.config === undefined ? [] : [file];
    const child = spawn('redis-server', [...own, ...settings, ...saving, ...this.args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    child.stdout.on('data', (chunk) => (this.output = `${this.output}${chunk}`.slice(-4_000)));
    this.process = child;
    await this.answers();
  }

  /** Resolves when this server answers, and not another one on its port. */
  async answers(): Promise<void> {
    await eventually(`redis-server answers on port ${this.port}`, async () => {
      if (!this.isRunning) throw new Error(`redis-server has ended: ${this.output}`);
      const info = await this.command('INFO', 'server');
      return String(info).includes(`process_id:${this.pid}\r`);
    });
  }

  /** One command on a connection of its own. */
  async command(name: string, ...args: (string | number)[]): Promise<unknown> {
    const client = new Redis({
      port: this.port,
      host: '127.0.0.1',
      lazyConnect: true,
      enableReadyCheck: false,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      commandTimeout: 5_000,
    });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      // Otherwise a timer of ioredis would wait for the end that has been.
      if (client.status !== 'end') client.disconnect();
    }
  }

  /** The value of a line of INFO. */
  async info(section: string, field: string): Promise<string> {
    const text = String(await this.command('INFO', section));
    return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? '';
  }

  signal(signal: NodeJS.Signals): void {
    this.process?.kill(signal);
  }

  /** Ends the process, as a crash does; the directory stays. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || !this.isRunning) return;
    process.kill('SIGKILL');
    await once(process, 'exit');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get isRunning(): boolean {
    return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }
}
