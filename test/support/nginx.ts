import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
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

/** nginx with files of `deploy/nginx`. Its passed requests are those that it answered to the end. */
export class Nginx implements Balancer {
  private constructor(
    private readonly balancer: BalancerProcess,
    private readonly names: ReadonlyMap<string, string>,
  ) {}

  /** @param kind e.g. `sticky-route` */
  static async start(
    kind: string,
    servers: ServerAddresses,
    { logsSessions = false, answerTime = ANSWER_TIME, change = (text) => text }: BalancerOptions = {},
  ): Promise<Nginx> {
    const balancer = await BalancerProcess.start((directory, port) => {
      mkdirSync(join(directory, 'conf.d'));
      writeFileSync(join(directory, 'nginx.conf'), mainFile(directory));
      const variables = { ...balancerEnvironment(port, servers), SESSION_LOG: join(directory, 'sessions.log') };
      const files = {
        'default.conf': `nginx/${kind}.conf.template`,
        'proxy.conf': 'nginx/proxy.conf',
        ...(logsSessions && { 'sessions-log.conf': 'observability/nginx-log.conf.template' }),
      };
      for (const [name, source] of Object.entries(files)) {
        const template = readFileSync(`deploy/${source}`, 'utf8');
        const text = substituted(name === 'default.conf' ? change(template) : template, variables);
        writeFileSync(join(directory, 'conf.d', name), text.replaceAll(ANSWER_TIME, answerTime));
      }
      return { command: 'nginx', args: ['-e', 'stderr', '-p', directory, '-c', join(directory, 'nginx.conf')] };
    });
    return new Nginx(balancer, new Map(Object.entries(servers).map(([name, address]) => [address, name])));
  }

  get url(): string {
    return `http://127.0.0.1:${this.balancer.port}`;
  }

  get pid(): number {
    return this.balancer.pid;
  }

  async passedOn(): Promise<readonly PassedRequest[]> {
    const text = await readFile(join(this.balancer.directory, 'access.log'), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        const [method = '', path = '', status, addresses = ''] = line.split(' | ');
        // "127.0.0.1:1, 127.0.0.1:2"; " : " stands where another upstream was taken; a name of an upstream where none
        // of its servers was up.
        const tried = addresses.split(/, | : /).filter((one) => one.includes(':'));
        return {
          method,
          path,
          status: Number(status),
          server: this.names.get(tried.at(-1) ?? ''),
          retries: Math.max(0, tried.length - 1),
        };
      });
  }

  /**
   * As an operator does before a server stops: it gets no new requests from the moment that the configuration is read,
   * soon after.
   */
  takeOut(server: string): void {
    const file = join(this.balancer.directory, 'conf.d/default.conf');
    const address = [...this.names].find(([, name]) => name === server)?.[0];
    writeFileSync(file, readFileSync(file, 'utf8').replaceAll(`server ${address}`, `server ${address} down`));
    this.balancer.signal('SIGHUP');
  }

  sessionLog(): Promise<string> {
    return readFile(join(this.balancer.directory, 'sessions.log'), 'utf8').catch(() => '');
  }

  stop(): Promise<void> {
    return this.balancer.stop();
  }
}

/** Replaces the given variables, like `envsubst`. */
function substituted(template: string, variables: Readonly<Record<string, string>>): string {
  return template.replace(/\$\{(\w+)\}/g, (whole, name: string) => variables[name] ?? whole);
}

/** A minimal nginx.conf, in place of the system's own. nginx writes all its files into the directory. */
export function mainFile(directory: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  // As root, nginx would run its workers as a user who may not enter the directory.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  return `${user}daemon off;
worker_processes 1;
pid ${directory}/nginx.pid;
error_log stderr warn;
events { worker_connections 2048; }
http {
${temporary.map((name) => `  ${name}_temp_path ${directory}/${name};`).join('\n')}
  log_format passed '$request_method | $request_uri | $status | $upstream_addr';
  access_log ${directory}/access.log passed;
  include ${directory}/conf.d/*.conf;
}
`;
}
