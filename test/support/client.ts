import { Agent } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import request, { type Response, type Test } from 'supertest';

type Headers = Readonly<Record<string, string>>;

/** All servers of the tests listen here. */
const HOST = '127.0.0.1';

/**
 * One client of one server. It is an agent of supertest, which keeps the cookies it is given and sends them back, as a
 * browser does. As there, connections stay open for the next request: balancers do so too, and a server that mixed up
 * two requests of one connection would be found. A request is sent when it is called for: many specs let something
 * happen before they wait for its answer.
 */
export class Client {
  /** For requests that need more than the methods below. They are sent when somebody waits for them. */
  readonly agent;

  private readonly connections = new Agent({ keepAlive: true });
  private lastCookie = '';

  /**
   * @param server an application that listens, or the address of a server in another process. Without one, a client of
   * several servers: each path is a whole URL.
   */
  constructor(private readonly server: INestApplication | string = '') {
    this.agent = request.agent(typeof server === 'string' ? server : server.getHttpServer());
  }

  /** `name=value` of the cookie it was given last, empty before that. Setting it gives it this cookie. */
  get cookie(): string {
    return this.lastCookie;
  }

  set cookie(pair: string) {
    this.lastCookie = pair;
    this.agent.jar.setCookie(pair, HOST, '/');
  }

  get(path: string, headers: Headers = {}): Promise<Response> {
    return this.send(this.agent.get(path).set(headers));
  }

  /** @param body sent as JSON */
  post(path: string, body?: object): Promise<Response> {
    return this.send(this.agent.post(path).send(body));
  }

  delete(path: string): Promise<Response> {
    return this.send(this.agent.delete(path));
  }

  /** The body of what `get` answers, whatever its status. */
  async text(path: string): Promise<string> {
    return (await this.get(path)).text;
  }

  /** Another client that has the cookies of this one. */
  copy(): Client {
    const copy = new Client(this.server);
    const cookies = this.agent.jar.getCookies({ domain: HOST, path: '/', secure: true, script: false });
    copy.agent.jar.setCookies(cookies.map(String), HOST, '/');
    copy.lastCookie = this.lastCookie;
    return copy;
  }

  protected async send(sent: Test): Promise<Response> {
    const response = await sent.agent(this.connections);
    for (const line of setCookies(response)) {
      const [pair = ''] = line.split(';');
      this.lastCookie = pair;
      // The jar of the agent knows `Expires`, but not `Max-Age`.
      if (/;\s*max-age=0\s*(;|$)/i.test(line)) {
        this.agent.jar.setCookie(`${pair}; expires=${new Date(0).toUTCString()}`, HOST, '/');
      }
    }
    return response;
  }
}

/** The `Set-Cookie` lines of a response. */
export function setCookies(response: Response): readonly string[] {
  return response.get('Set-Cookie') ?? [];
}
