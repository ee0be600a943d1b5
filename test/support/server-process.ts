import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** An application server in a process of its own, which says `listening on <address>` when it does. Stop it. */
export class ServerProcess {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start(main: string, env: Readonly<Record<string, string>>): Promise<ServerProcess> {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(process.execPath, [main], {
      env: { ...inherited, NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    for await (const line of createInterface(child.stdout)) {
      const address = /^listening on (\S+)$/.exec(line)?.[1];
      if (address) return new ServerProcess(child, address);
    }
    throw new Error(`the server ended before it listened: ${errors.join('')}`);
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
