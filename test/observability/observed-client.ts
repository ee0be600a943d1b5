import { CookieJar } from '../support/cookie-jar.js';

/** A client that remembers every session id that it was given, and everything else that it was told. */
export class ObservedClient {
  readonly ids = new Set<string>();

  /** Heads of all responses, without the cookies, and bodies that are text. */
  readonly told: string[] = [];
  private readonly jar = new CookieJar();

  constructor(private readonly url: string) {}

  /** @param url of another server, if it is not the usual one */
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
