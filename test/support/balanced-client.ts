import { Agent, request } from 'node:http';
import { eventually } from './eventually.js';

/** The answer to a client of a balancer. Status 0: the connection ended without an answer. */
export interface BalancedAnswer {
  readonly status: number;
  readonly text: string;
  readonly setCookie: readonly string[];
}

/** One browser: one connection, which it keeps, and its cookies. Close it. */
export class BalancedClient {
  readonly cookies = new Map<string, string>();
  private readonly agent: Agent;

  /** @param keepAlive false: a new connection for each request */
  constructor(
    private readonly url: string,
    keepAlive = true,
  ) {
    this.agent = new Agent({ keepAlive, maxSockets: 1 });
  }

  /**
   * The fields of the session cookie behind the id: the route, or primary, backup and so on. Empty without a session.
   */
  get locator(): readonly string[] {
    return (this.cookies.get('sid') ?? '').split('.').slice(1);
  }

  get(path: string): Promise<BalancedAnswer> {
    return this.send('GET', path);
  }

  post(path: string, body: object): Promise<BalancedAnswer> {
    return this.send('POST', path, JSON.stringify(body));
  }

  delete(path: string): Promise<BalancedAnswer> {
    return this.send('DELETE', path);
  }

  /**
   * The number that `/count` or `/count/peek` tells. A read that gets no number is sent again: on a busy machine a
   * balancer, or a server, may lose sight of another one for a moment.
   * @throws when it tells none
   */
  number(path: '/count' | '/count/peek'): Promise<number> {
    const ask = async (): Promise<number> => {
      const { status, text } = await this.get(path);
      const number = /^counter=(\d+)$/.exec(text)?.[1];
      if (number === undefined) throw new Error(`${path}: ${status} ${text}`);
      return Number(number);
    };
    return path === '/count' ? ask() : eventually(path, ask);
  }

  close(): void {
    this.agent.destroy();
  }

  private send(method: string, path: string, body?: string): Promise<BalancedAnswer> {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    if (this.cookies.size > 0) headers['cookie'] = [...this.cookies].map((pair) => pair.join('=')).join('; ');
    return new Promise((resolve) => {
      const died = (): void => resolve({ status: 0, text: '', setCookie: [] });
      const outgoing = request(`${this.url}${path}`, { method, headers, agent: this.agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)));
        response.on('error', died);
        response.on('end', () => {
          const setCookie = response.headers['set-cookie'] ?? [];
          for (const line of setCookie) this.keep(line);
          resolve({ status: response.statusCode ?? 0, text, setCookie });
        });
      });
      outgoing.on('error', died);
      outgoing.end(body);
    });
  }

  private keep(line: string): void {
    const [pair = ''] = line.split(';');
    const separator = pair.indexOf('=');
    this.cookies.set(pair.slice(0, separator), pair.slice(separator + 1));
  }
}
