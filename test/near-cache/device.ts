import { type Agent, request } from 'node:http';

export interface DeviceResponse {
  readonly status: number;
  readonly text: string;
}

/** The cookies of a client, by name. */
export type Cookies = ReadonlyMap<string, string>;

/**
 * One client, which keeps the newest cookies that it received. Several clients may share a session; each has its own
 * cookies.
 */
export class Device {
  cookies: Cookies = new Map();

  constructor(
    readonly name: string,
    private readonly agent: Agent,
  ) {}

  /**
   * @throws when no answer comes within `timeoutMs`, after which the request is aborted, or when the connection fails
   */
  ask(method: 'GET' | 'POST', url: string, timeoutMs: number): Promise<DeviceResponse> {
    return new Promise((resolve, reject) => {
      const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ');
      const headers = cookie === '' ? {} : { cookie };
      const sent = request(url, { method, headers, agent: this.agent, signal: AbortSignal.timeout(timeoutMs) });
      sent.on('error', reject);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          this.keep(response.headers['set-cookie'] ?? []);
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() });
        });
      });
      sent.end();
    });
  }

  private keep(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const cookies = new Map(this.cookies);
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    this.cookies = cookies;
  }
}

/** The session id in the cookies, without the route that may follow the id. */
export function idOf(cookies: Cookies): string {
  return (cookies.get('sid') ?? '').slice(0, 65);
}

/** The cookies of a client that has seen nothing of its session since it started. For it, every copy is new enough. */
export function havingSeenNothing(cookies: Cookies): Cookies {
  const seen = cookies.get('sid-seen');
  return seen === undefined ? cookies : new Map(cookies).set('sid-seen', seen.replace(/\..*$/, '.0'));
}
