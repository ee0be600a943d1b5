import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import type { SessionRequestRecord } from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

/** The built sample. `npm run build` must run first. */
const MAIN = 'dist/main.js';

/** Several servers that start at once need a while on a busy machine. */
const STARTS_WITHIN_MS = 90_000;

/** A server of the sample. It logs the record of every request, and sends Server-Timing headers. The test stops it. */
export class ObservedNode {
  private constructor(
    readonly name: string,
    readonly port: number,
    readonly logFile: string,
    private readonly process: ChildProcess,
    private readonly log: WriteStream,
  ) {}

  /** @param directory of its log file */
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

  /** The log so far. */
  text(): Promise<string> {
    return readFile(this.logFile, 'utf8');
  }

  /** The records in the log so far, oldest first. */
  async records(): Promise<SessionRequestRecord[]> {
    const lines = (await this.text()).split('\n').slice(0, -1);
    return lines.flatMap((line) => {
      const json = /\{"event":"session\.request".*\}/.exec(line)?.[0];
      return json === undefined ? [] : [JSON.parse(json) as SessionRequestRecord];
    });
  }

  /**
   * Waits until earlier requests are over and everything that they left in the sockets is read. Otherwise the next
   * request could be charged for them.
   */
  async settle(): Promise<void> {
    const pings = async (): Promise<number> =>
      (await this.records()).filter(({ handler }) => handler === 'HealthController.ping').length;
    const before = await pings();
    for (let turn = 0; turn < 3; turn++) await fetch(`${this.url}/ping`);
    await eventually('the server has settled', async () => (await pings()) >= before + 3);
  }

  /**
   * Sends requests while the process is stopped, and lets it continue `ms` after so many of them have arrived. To the
   * requests, this is like another one that computes.
   */
  async busyDuring<T>(send: () => Promise<T>, ms: number, requests = 1): Promise<T> {
    this.process.kill('SIGSTOP');
    try {
      const answer = send();
      await eventually('the requests are in the sockets', async () => (await unreadSockets(this.port)) >= requests);
      await wait(ms);
      this.process.kill('SIGCONT');
      return await answer;
    } finally {
      this.process.kill('SIGCONT');
    }
  }

  /** May be called more than once. */
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

/** The connections for which the kernel holds bytes for the process on a port, also those that are not accepted yet. */
async function unreadSockets(port: number): Promise<number> {
  const sockets = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
  let unread = 0;
  for (const socket of sockets) {
    const [, local = '', , state, queues = ''] = socket.trim().split(/\s+/);
    const isOwn = Number.parseInt(local.split(':')[1] ?? '', 16) === port;
    // For a listening socket this number counts connections, not bytes.
    if (isOwn && state !== '0A' && Number.parseInt(queues.split(':')[1] ?? '', 16) > 0) unread++;
  }
  return unread;
}
