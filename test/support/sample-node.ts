import { freePort } from './free-port.js';
import { ServerProcess } from './server-process.js';

/** As it was built: `npm run build` comes before. */
const MAIN = 'dist/main.js';

/** One server of the sample, which keeps its name and its port when it is started again. */
export class SampleNode {
  private server: ServerProcess | undefined;

  private constructor(
    /** `s1` */
    readonly name: string,
    readonly port: number,
    readonly replicationPort: number,
  ) {}

  static async create(name: string): Promise<SampleNode> {
    return new SampleNode(name, await freePort(), await freePort());
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Past the balancer. */
  get url(): string {
    return `http://${this.address}`;
  }

  get isRunning(): boolean {
    return this.server?.isRunning === true;
  }

  /** Starts it (again). Resolves when it listens. */
  async start(env: Readonly<Record<string, string>>): Promise<void> {
    const own = { HOST: '127.0.0.1', PORT: `${this.port}`, NODE_NAME: this.name };
    this.server = await ServerProcess.start(MAIN, { ...own, ...env });
  }

  /** Ends it as a crash does. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.server?.stop();
  }

  /** Tells it to stop, as an operator does. Resolves when the process is gone. */
  async terminate(): Promise<void> {
    this.server?.signal('SIGTERM');
    await this.server?.ended();
  }

  /** From now on it does nothing, and its connections stay. */
  freeze(): void {
    this.server?.signal('SIGSTOP');
  }

  thaw(): void {
    this.server?.signal('SIGCONT');
  }
}
