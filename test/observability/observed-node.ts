import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import type { SessionRequestRecord } from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';

/** As it was built: `npm run build` comes before. */
const MAIN = 'dist/main.js';

/** A server of the sample that writes the record of every request to its log and tells clients where the time went. Stop it. */
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
    await eventually(`${name} listens`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} has ended: ${await node.text()}`);
      return (await fetch(`${node.url}/ping`)).ok;
    });
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

  /** From now on it does nothing, and its connections stay. */
  freeze(): void {
    this.process.kill('SIGSTOP');
  }

  thaw(): void {
    this.process.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await once(this.process, 'exit');
    }
    this.log.end();
    await once(this.log, 'close');
  }
}
