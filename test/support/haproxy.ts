import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import {
  type Balancer,
  ANSWER_TIME,
  type BalancerOptions,
  type PassedRequest,
  type ServerAddresses,
  balancerEnvironment,
  BalancerProcess,
} from './balancer.js';

/**
 * Matches a line of `option httplog` behind the addresses: backend/server, timers, status, ..., retries, queues,
 * request.
 */
const LINE = /\] \S+ \S+\/(\S+) [\d/+-]+ (-?\d+) .* \S+\/\+?(\d+) \d+\/\d+ (?:\{\S*\} )?"(\S+) (\S+)/;

/** HAProxy with files of `deploy/haproxy`. */
export class Haproxy implements Balancer {
  private readonly requests: PassedRequest[] = [];
  private rest = '';
  private output = '';
  private balancer!: BalancerProcess;

  private constructor() {}

  /** @param kind e.g. `sticky-route` */
  static async start(
    kind: string,
    servers: ServerAddresses,
    { logsSessions = false, answerTime = ANSWER_TIME, change = (text) => text }: BalancerOptions = {},
  ): Promise<Haproxy> {
    const haproxy = new Haproxy();
    haproxy.balancer = await BalancerProcess.start(
      (directory, port) => {
        const own = join(directory, 'stats.cfg');
        writeFileSync(own, `global\n    stats socket ${join(directory, 'stats')} mode 600 level admin\n`);
        const defaults = join(directory, 'defaults.cfg');
        const parts = ['haproxy/defaults.cfg', ...(logsSessions ? ['observability/haproxy-log.cfg'] : [])];
        const text = parts.map((part) => readFileSync(`deploy/${part}`, 'utf8')).join('');
        writeFileSync(defaults, text.replaceAll(ANSWER_TIME, answerTime));
        const main = join(directory, `${kind}.cfg`);
        writeFileSync(main, change(readFileSync(`deploy/haproxy/${kind}.cfg`, 'utf8')));
        const files = [own, defaults, main];
        return {
          command: 'haproxy',
          args: ['-db', ...files.flatMap((file) => ['-f', file])],
          env: balancerEnvironment(port, servers),
        };
      },
      (text) => haproxy.read(text),
    );
    return haproxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.balancer.port}`;
  }

  get pid(): number {
    return this.balancer.pid;
  }

  async passedOn(): Promise<readonly PassedRequest[]> {
    return this.requests;
  }

  async sessionLog(): Promise<string> {
    return this.output;
  }

  /**
   * Whether the backend `servers` gives requests to a server now: `UP` or `DOWN`, maybe with `1/2` of the checks that
   * would change it.
   */
  async stateOf(server: string): Promise<string> {
    const [head = '', ...rows] = (await this.command('show stat')).split('\n');
    const column = head.split(',').indexOf('status');
    const row = rows.find((one) => one.startsWith(`servers,${server},`));
    return row?.split(',')[column] ?? '';
  }

  /** The answer to a command of its Runtime API. */
  async command(command: string): Promise<string> {
    const socket = connect(join(this.balancer.directory, 'stats'));
    socket.end(`${command}\n`);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
    await once(socket, 'close');
    return text;
  }

  stop(): Promise<void> {
    return this.balancer.stop();
  }

  private read(text: string): void {
    this.output += text;
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, server = '', status, retries, method = '', path = ''] = LINE.exec(line) ?? [];
      if (status === undefined) continue;
      const isServer = server !== '<NOSRV>';
      const request = { method, path, status: Number(status), retries: Number(retries) };
      this.requests.push({ ...request, server: isServer ? server : undefined });
    }
  }
}
