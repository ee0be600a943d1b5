/** One client of several servers: sends the cookie it was given last, to whichever server it is told to ask. */
export class Client {
  cookie = '';

  async request(method: 'GET' | 'POST', url: string): Promise<Response> {
    const response = await fetch(url, { method, headers: this.cookie === '' ? {} : { cookie: this.cookie } });
    for (const line of response.headers.getSetCookie()) this.cookie = line.slice(0, line.indexOf(';'));
    return response;
  }

  /** The status; the body is read to its end. */
  async post(url: string): Promise<number> {
    const response = await this.request('POST', url);
    await response.text();
    return response.status;
  }

  async state(
    server: string,
  ): Promise<{ exists: boolean; counter: number; strict: number; name: string; mail: string }> {
    const response = await this.request('GET', `${server}/state`);
    return (await response.json()) as never;
  }

  /** The same client again, with the cookie that it has now. */
  copy(): Client {
    const copy = new Client();
    copy.cookie = this.cookie;
    return copy;
  }
}
