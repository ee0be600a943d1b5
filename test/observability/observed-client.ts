import { CookieJar } from '../support/cookie-jar.js';

/** A client that collects every session id that it received, and the rest of each response. */
export class ObservedClient {
  readonly ids = new Set<string>();

  /** The headers of all responses, without cookies, and their bodies. */
  readonly told: string[] = [];
  private readonly jar = new CookieJar();

  constructor(private readonly url: string) {}

  /** @param url of another server than the usual one */
  async send(path: string, method = 'GET', body?: object, url = this.url): Promise<Response> {
    const init = body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const response = await this.jar.fetch(`${url}${path}`, { method, ...init });
    for (const line of response.headers.getSetCookie()) {
      const id = /^sid=([\w-]{43})/.exec(line)?.[1];
      if (id !== undefined) this.ids.add(id);
    }
    const others = [...response.headers].filter(([name]) => name !== 'set-cookie');
    this.told.push(JSON.stringify(others), await response.clone().text());
    return response;
  }
}
