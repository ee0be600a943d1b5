import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { SessionRequestRecord } from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

/** As it was built: `npm run build` comes before. */
const MAIN = 'dist/main.js';

/** Several at once take a while on a busy machine. */
const STARTS_WITHIN_MS = 90_000;

/**
 * A server of the sample that writes the record of every request to its log and tells clients where the time went. Stop
 * it.
 */
export class ObservedNode {
  private constructor(
    readonly name: string,
    readonly port: number,
    readonly logFile: string,
    private readonly process: ChildProcess,
    private readonly log: WriteStream,
  ) {}

  /** @param directory for its log */
  static async start(name: string, directory: string, env: Readonly<Record<string, string>>): Promise<ObservedNode> {
    const port = await freePort();
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const own = { HOST: '127.0.0.1', PORT: `${port}`, NODE_NAME: name, SLOW_REQUEST_MS: '0', SERVER_TIMING: 'on' };
    const child = spawn(process.execPath, [MAIN], {
      env: { ...inherited, NODE_ENV: 'test', ...own, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const logFile = join(directory, `${name}.log`);
    const log = createWriteStream(logFile);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    const node = new ObservedNode(name, port, logFile, child, log);
    await eventually(
      `${name} listens`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${name} has ended: ${await node.text()}`);
        return (await fetch(`${node.url}/ping`)).ok;
      },
      STARTS_WITHIN_MS,
    );
    return node;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get url(): string {
    return `http://${this.address}`;
  }

  /** All that it has written so far. */
  text(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  /** The records that it has written so far, oldest first. */
  async records(): Promise<SessionRequestRecord[]> {
    const lines = (await this.text()).split('\n').slice(0, -1);
    return lines.flatMap((line) => {
      const json = /\{"event":"session\.request".*\}/.exec(line)?.[0];
      return json === undefined ? [] : [JSON.parse(json) as SessionRequestRecord];
    });
  }

  /**
   * Resolves when what earlier requests kept waiting is read, and they are over: else what comes next would count for
   * one or the other.
   */
  async rest(): Promise<void> {
    const pings = async (): Promise<number> =>
      (await this.records()).filter(({ handler }) => handler === 'HealthController.ping').length;
    const before = await pings();
    for (let turn = 0; turn < 3; turn++) await fetch(`${this.url}/ping`);
    await eventually('the server rests', async () => (await pings()) >= before + 3);
  }

  /**
   * Sends a request to a server that does nothing, as if another request computed, from before it comes until `ms`
   * after it has come.
   */
  async busyDuring<T>(send: () => Promise<T>, ms: number): Promise<T> {
    this.process.kill('SIGSTOP');
    try {
      const answer = send();
      await eventually('the request lies in its socket', async () => (await unreadBytes(this.port)) > 0);
      await wait(ms);
      this.process.kill('SIGCONT');
      return await answer;
    } finally {
      this.process.kill('SIGCONT');
    }
  }

  /** May be called again. */
  async stop(): Promise<void> {
    if (this.log.closed) return;
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await once(this.process, 'exit');
    }
    this.log.end();
    await once(this.log, 'close');
  }
}

/** What the kernel holds for whoever listens on a port, also of connections that nobody has accepted yet. */
async function unreadBytes(port: number): Promise<number> {
  const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
  let bytes = 0;
  for (const socket of sockets) {
    const [, local = '', , state, queues = ''] = socket.trim().split(/\s+/);
    const isOwn = Number.parseInt(local.split(':')[1] ?? '', 16) === port;
    // The queue of a socket that listens counts connections.
    if (isOwn && state !== '0A') bytes += Number.parseInt(queues.split(':')[1] ?? '', 16);
  }
  return bytes;
}
