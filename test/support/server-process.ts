import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** An application server in a process of its own, which says `listening on <address>` when it does. Stop it. */
export class ServerProcess {
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
    private readonly errors: readonly string[],
  ) {}

  /**
   * @param node the binary that runs it
   * @param logFile gets what it prints from then on, behind what the file has
   */
  static async start(
    main: string,
    env: Readonly<Record<string, string>>,
    { node = process.execPath, logFile }: { readonly node?: string; readonly logFile?: string | undefined } = {},
  ): Promise<ServerProcess> {
    const { NODE_OPTIONS: _, ...inherited } = process.env;
    const child = spawn(node, [main], {
      env: { ...inherited, NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const errors: string[] = [];
    child.stderr.on('data', (chunk) => errors.push(String(chunk)));
    let address: string | undefined;
    for await (const line of createInterface(child.stdout)) {
      address = /^listening on (\S+)$/.exec(line)?.[1];
      if (address) break;
    }
    if (!address) throw new Error(`the server ended before it listened: ${errors.join('')}`);
    // Without a file the output is thrown away. A server whose pipe is full would hang at its next warning.
    if (logFile === undefined) child.stdout.resume();
    else child.stdout.pipe(createWriteStream(logFile, { flags: 'a' }));
    return new ServerProcess(child, address, errors);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** All that it has written to stderr: errors that nobody caught, and warnings of Node. */
  get errorOutput(): string {
    return this.errors.join('');
  }

  get isRunning(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Resolves when the process has ended. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.process, 'exit');
  }

  /** Ends it at once, as a crash does, also when it is frozen. */
  async stop(): Promise<void> {
    if (this.isRunning) this.process.kill('SIGKILL');
    await this.ended();
  }
}
