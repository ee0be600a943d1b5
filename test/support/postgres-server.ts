import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

const exec = promisify(execFile);

/** Debian keeps the servers of each release in a folder of their own. */
const DEBIAN = '/usr/lib/postgresql';

function binary(name: string): string {
  const [newest] = existsSync(DEBIAN) ? readdirSync(DEBIAN).toSorted((a, b) => Number(b) - Number(a)) : [];
  return newest === undefined ? name : join(DEBIAN, newest, 'bin', name);
}

/** PostgreSQL refuses to run as root. Its package brings the user that it runs as then. */
async function command(name: string, args: readonly string[]): Promise<[string, string[]]> {
  if (process.getuid?.() !== 0) return [binary(name), [...args]];
  const { uid, gid } = await postgresUser();
  return ['setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', binary(name), ...args]];
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => exec('id', [flag, 'postgres'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/** A PostgreSQL of the test's own, on a free port, in a directory of its own. Stop it. */
export class PostgresServer {
  private process: ChildProcess | undefined;
  private output = '';
  readonly directory = mkdtempSync(join(tmpdir(), 'session-beans-postgres-'));

  private constructor(
    readonly port: number,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), settings);
    try {
      if (process.getuid?.() === 0) {
        const { uid, gid } = await postgresUser();
        chownSync(server.directory, uid, gid);
      }
      const options = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'];
      const [file, args] = await command('initdb', [...options, '-D', server.data]);
      await exec(file, args, { cwd: server.directory });
      await server.run();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  /** Starts it (again), on the same port and directory. Resolves when it answers. */
  async run(): Promise<void> {
    const own = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', max_connections: '200' };
    const settings = Object.entries({ ...own, ...this.settings }).map(([name, value]) => `--${name}=${value}`);
    const [file, args] = await command('postgres', ['-D', this.data, '-p', `${this.port}`, ...settings]);
    const child = spawn(file, args, { cwd: this.directory, stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr.on('data', (chunk) => (this.output = `${this.output}${chunk}`.slice(-4_000)));
    this.process = child;
    await eventually(`PostgreSQL answers on port ${this.port}`, async () => {
      if (!this.isRunning) throw new Error(`PostgreSQL has ended: ${this.output}`);
      return (await this.query('SELECT 1')).length === 1;
    });
  }

  /** One statement on a connection of its own. */
  async query(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new pg.Client({ connectionString: this.url, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      return (await client.query(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Freezes all of its processes, or lets them go on. */
  async signalAll(signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
    const { stdout } = await exec('ps', ['--ppid', `${this.pid}`, '-o', 'pid=']);
    const pids = stdout
      .split('\n')
      .map(Number)
      .filter((pid) => pid > 0);
    for (const pid of [this.pid, ...pids]) process.kill(pid, signal);
  }

  /** Ends it, as a crash does; the directory stays. The other processes end themselves when the first one is gone. */
  async kill(): Promise<void> {
    const { process } = this;
    if (!process || !this.isRunning) return;
    // SIGQUIT: at once, without a checkpoint. After SIGKILL the memory of the server would be left behind.
    process.kill('SIGQUIT');
    await once(process, 'exit');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get data(): string {
    return join(this.directory, 'data');
  }

  private get isRunning(): boolean {
    return this.process !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }
}
