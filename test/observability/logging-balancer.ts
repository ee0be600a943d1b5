import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { balancerEnvironment } from '../support/balancer-environment.js';
import { BalancerProcess } from '../support/balancer-process.js';
import { mainFile, substituted } from '../support/nginx.js';
import type { ServerAddresses } from '../support/balancer.js';

/** A real balancer with the log configuration of `deploy/observability`. The test stops it. */
export class LoggingBalancer {
  private output = '';
  private balancer!: BalancerProcess;

  private constructor() {}

  /** @param kind the name of a file in `deploy/haproxy` */
  static async haproxy(kind: string, servers: ServerAddresses): Promise<LoggingBalancer> {
    const logging = new LoggingBalancer();
    logging.balancer = await BalancerProcess.start(
      (directory, port) => {
        const file = join(directory, 'defaults-with-log.cfg');
        const parts = ['deploy/haproxy/defaults.cfg', 'deploy/observability/haproxy-log.cfg'];
        writeFileSync(file, parts.map((part) => readFileSync(part, 'utf8')).join(''));
        const args = ['-db', '-f', file, '-f', `deploy/haproxy/${kind}.cfg`];
        return { command: 'haproxy', args, env: balancerEnvironment(port, servers) };
      },
      (text) => (logging.output += text),
    );
    return logging;
  }

  /** @param kind the name of a file in `deploy/nginx` */
  static async nginx(kind: string, servers: ServerAddresses): Promise<LoggingBalancer> {
    const logging = new LoggingBalancer();
    logging.balancer = await BalancerProcess.start((directory, port) => {
      const variables = { ...balancerEnvironment(port, servers), SESSION_LOG: join(directory, 'sessions.log') };
      mkdirSync(join(directory, 'conf.d'));
      const files = {
        'default.conf': `deploy/nginx/${kind}.conf.template`,
        'proxy.conf': 'deploy/nginx/proxy.conf',
        'sessions-log.conf': 'deploy/observability/nginx-log.conf.template',
      };
      for (const [name, source] of Object.entries(files))
        writeFileSync(join(directory, 'conf.d', name), substituted(readFileSync(source, 'utf8'), variables));
      writeFileSync(join(directory, 'nginx.conf'), mainFile(directory));
      return { command: 'nginx', args: ['-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')] };
    });
    return logging;
  }

  get url(): string {
    return `http://127.0.0.1:${this.balancer.port}`;
  }

  /** The log so far. */
  async log(): Promise<string> {
    return this.output || readFile(join(this.balancer.directory, 'sessions.log'), 'utf8').catch(() => '');
  }

  stop(): Promise<void> {
    return this.balancer.stop();
  }
}
