import type { INestApplication } from '@nestjs/common';
import request, { type Response, type Test } from 'supertest';

type Headers = Readonly<Record<string, string>>;

/**
 * One client of one server. It is an agent of supertest, which keeps the cookies it is given and sends them back, as a
 * browser does. A request is sent when it is called for: many specs let something happen before they wait for its answer.
 */
export class Client {
  /** For requests that need more than the methods below. They are sent when somebody waits for them. */
  readonly agent;

  /** @param server an application that listens, or the address of a server in another process */
  constructor(server: INestApplication | string) {
    this.agent = request.agent(typeof server === 'string' ? server : server.getHttpServer());
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

  protected async send(sent: Test): Promise<Response> {
    return sent;
  }
}

/** The `Set-Cookie` lines of a response. */
export function setCookies(response: Response): readonly string[] {
  return response.get('Set-Cookie') ?? [];
}
