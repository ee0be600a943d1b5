import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

/** A real load balancer in front of real servers, with one of the files in `deploy`. Stop it. */
export interface Balancer {
  /** The address for clients: `http://127.0.0.1:port`. */
  readonly url: string;

  /** Of the process that was started. It may have children. */
  readonly pid: number;

  /** The requests that the balancer has passed on so far, oldest first, read from its log. */
  passedOn(): Promise<readonly PassedRequest[]>;

  /** The text of the log of `deploy/observability` so far, if the balancer was started with it. */
  sessionLog(): Promise<string>;

  stop(): Promise<void>;
}

/** One request of a client, as the balancer saw it. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;

  /** The status of the answer. It is the balancer's own where no server answered. */
  readonly status: number;

  /** The server that handled it in the end, undefined when there was none. */
  readonly server: string | undefined;

  /** How often the balancer tried again, on the same server or another, whether or not the request had been sent. */
  readonly retries: number;
}

/** The addresses of the servers, `host:port`, by the names that `NODE_NAME` gives them: `s1`, `s2`, `s3`. */
export type ServerAddresses = Readonly<Record<string, string>>;

/** How long servers may take to answer, in the files of `deploy`. */
export const ANSWER_TIME = '10s';

/** The environment that the files in `deploy` expect: LISTEN, and an address for each server, S1 for s1. */
export function balancerEnvironment(port: number, servers: ServerAddresses): Record<string, string> {
  const addresses = Object.entries(servers).map(([name, address]) => [name.toUpperCase(), address]);
  return { LISTEN: `127.0.0.1:${port}`, ...Object.fromEntries(addresses) };
}

/** The command line of a balancer. */
export interface BalancerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A balancer's process on a free port, in a directory of its own. Stop it. */
export class BalancerProcess {
  private errors = '';

  private constructor(
    private readonly process: ChildProcess,
    readonly directory: string,
    readonly port: number,
  ) {
    process.stderr?.on('data', (chunk) => (this.errors = `${this.errors}${chunk}`.slice(-4_000)));
  }

  /** `prepare` writes into the directory what the command needs. Resolves when something answers on the port. */
  static async start(
    prepare: (directory: string, port: number) => BalancerCommand,
    onOutput: (text: string) => void = () => undefined,
  ): Promise<BalancerProcess> {
    for (let attempt = 1; ; attempt++) {
      const directory = mkdtempSync(join(tmpdir(), 'session-beans-balancer-'));
      const port = await freePort();
      const { command, args, env } = prepare(directory, port);
      // Debian installs them in sbin, which the PATH of a normal user leaves out.
      const path = `${process.env['PATH']}:/usr/local/sbin:/usr/sbin`;
      const child = spawn(command, args, { env: { PATH: path, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
      child.on('error', (error) => child.stderr.push(`${error.message}\n`));
      child.stdout.on('data', (chunk) => onOutput(String(chunk)));
      const balancer = new BalancerProcess(child, directory, port);
      try {
        await balancer.answers();
        return balancer;
      } catch (error) {
        await balancer.stop();
        // Another process may have taken the port.
        if (attempt === 3) throw error;
      }
    }
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Ends it by SIGTERM, which also ends its children. */
  async stop(): Promise<void> {
    if (this.isRunning) {
      this.process.kill('SIGTERM');
      await once(this.process, 'exit');
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  private get isRunning(): boolean {
    return this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null;
  }

  private async answers(): Promise<void> {
    let ended = '';
    await eventually(`a balancer answers on port ${this.port}`, async () => {
      if (!this.isRunning) return (ended = this.errors || 'without a word');
      const response = await fetch(`http://127.0.0.1:${this.port}/ping`);
      await response.text();
      return true;
    });
    if (ended) throw new Error(`${this.process.spawnfile} has ended: ${ended}`);
  }
}

export interface BalancerOptions {
  /** Whether it writes the log of `deploy/observability`, in place of the one that tells what it has passed on. */
  readonly logsSessions?: boolean;

  /** The time that servers have to answer, in place of the 10 s of the files: `1s`. */
  readonly answerTime?: string;

  /** Changes the text of the file that is named by its kind. */
  readonly change?: (text: string) => string;
}
