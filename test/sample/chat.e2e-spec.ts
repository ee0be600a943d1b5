import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { WebSocket } from 'ws';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { adapters } from '../support/platforms.js';

/** The socket of one tab, with all that it has heard. */
class Tab {
  readonly heard: { readonly event: string; readonly data: unknown }[] = [];
  code: number | undefined;
  private readonly socket: WebSocket;

  constructor(url: string, cookie: string) {
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/chat/socket`, { headers: { cookie } });
    this.socket.on('message', (data: Buffer) => this.heard.push(JSON.parse(data.toString()) as never));
    this.socket.on('close', (code: number) => (this.code = code));
  }

  async say(text: string): Promise<void> {
    await eventually('it is open', () => this.socket.readyState === WebSocket.OPEN);
    this.socket.send(JSON.stringify({ event: 'say', data: text }));
  }

  close(): void {
    this.socket.terminate();
  }
}

describe.each(adapters)('the chat of the sample, $adapter,', ({ adapter }) => {
  let app: INestApplication;
  let client: Client;
  let tabs: Tab[] = [];
  beforeEach(async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, NODE_NAME: 's1' }));
    await app.listen(0, '127.0.0.1');
    client = new Client(app);
  });
  afterEach(async () => {
    for (const tab of tabs) tab.close();
    await app.close();
  });

  it('counts messages and requests of a session together, and a logout closes all its tabs', async () => {
    await client.post('/login', { user: 'ann' });
    const url = await app.getUrl();
    tabs = [new Tab(url, client.cookie), new Tab(url, client.cookie)];
    const [first, second] = tabs as [Tab, Tab];
    await second.say('hello');
    await eventually('the other tab hears it', () =>
      second.heard.some(({ event, data }) => event === 'count' && data === 1),
    );
    expect(await client.text('/count')).toBe('counter=2');
    await first.say('again');
    await eventually('all is heard', () => first.heard.some(({ event, data }) => event === 'count' && data === 3));
    expect(first.heard.filter(({ event }) => event === 'line').at(-1)?.data).toEqual({ by: 'ann', text: 'again' });
    await client.post('/logout');
    await eventually('both are closed', () => tabs.every(({ code }) => code === 4401));
  });
});
