import type { Response } from 'supertest';
import { Client, setCookies } from '../support/client.js';

/** A client that collects every session id that it received, and the rest of each response. */
export class ObservedClient {
  readonly ids = new Set<string>();

  /** The headers of all responses, without cookies, and their bodies. */
  readonly told: string[] = [];
  private readonly client = new Client();

  constructor(private readonly url: string) {}

  /** @param url of another server than the usual one */
  async send(path: string, method: Method = 'GET', body?: object, url = this.url): Promise<Response> {
    const response = await this.request(method, `${url}${path}`, body);
    for (const line of setCookies(response)) {
      const id = /^sid=([\w-]{65})/.exec(line)?.[1];
      if (id !== undefined) this.ids.add(id);
    }
    const others = Object.entries(response.headers).filter(([name]) => name !== 'set-cookie');
    this.told.push(JSON.stringify(others), response.text);
    return response;
  }

  private request(method: Method, url: string, body?: object): Promise<Response> {
    if (method === 'GET') return this.client.get(url);
    return method === 'POST' ? this.client.post(url, body) : this.client.delete(url);
  }
}

export type Method = 'GET' | 'POST' | 'DELETE';
