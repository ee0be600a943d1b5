import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BalancedCluster } from '../balancers/balanced-cluster.js';
import type { BrowserWindow } from '../browser/browser-window.js';
import { Chromium } from '../browser/chromium.js';
import { eventually } from '../support/eventually.js';
import { Haproxy } from '../support/haproxy.js';
import { RedisServer } from '../support/redis-server.js';
import { SampleCluster } from '../support/sample-servers.js';

/** The chat in a tab of a browser, used as a person does. */
class ChatTab {
  private constructor(readonly window: BrowserWindow) {}

  static async open(window: BrowserWindow, url: string): Promise<ChatTab> {
    await window.visit(`${url}/chat`);
    const tab = new ChatTab(window);
    await tab.shows('state', 'connected');
    return tab;
  }

  async shows(id: 'state' | 'count', text: string): Promise<void> {
    await eventually(`#${id} shows "${text}"`, async () => (await this.textOf(id)) === text);
  }

  textOf(id: string): Promise<string> {
    return this.window.run(`document.getElementById('${id}').textContent`);
  }

  /** Resolves when the page has done all that it does for a click. */
  async press(button: 'login' | 'logout'): Promise<void> {
    const isSent = button === 'login' ? 'requestSubmit' : 'click';
    await this.window.run(`document.getElementById('${button}').${isSent}()`);
    await eventually('it is answered', () => this.window.run(`document.body.ariaBusy === 'false'`));
  }

  async send(text: string): Promise<void> {
    await this.window.run(`document.getElementById('text').value = '${text}'`);
    await this.window.run(`document.getElementById('say').requestSubmit()`);
  }

  /** Resolves when this tab shows the line, as all tabs at its server do. */
  async say(text: string): Promise<void> {
    await this.send(text);
    await eventually(`it shows ${text}`, async () => (await this.lines()).includes(`ann: ${text}`));
  }

  lines(): Promise<readonly string[]> {
    return this.window.run(`[...document.querySelectorAll('#lines li')].map((line) => line.textContent)`);
  }

  /** The answer to a request of this tab. */
  fetch(path: string): Promise<string> {
    return this.window.run(`fetch('${path}').then((answer) => answer.text())`);
  }
}

// Any server may get a request, or a socket: nothing is at the server that has begun the session.
describe.each(['external', 'cached'])(
  'the chat in a browser, two servers behind HAProxy, SESSION_PATTERN=%s',
  (pattern) => {
    let redis: RedisServer;
    let servers: SampleCluster;
    let cluster: BalancedCluster;
    let chromium: Chromium;
    beforeAll(async () => {
      redis = await RedisServer.start();
      // The files in `deploy` name three servers.
      servers = await SampleCluster.start(3, { SESSION_PATTERN: pattern, REDIS_URL: redis.url }, { started: 2 });
      cluster = await BalancedCluster.inFrontOf(servers, (addresses) => Haproxy.start('round-robin', addresses));
      chromium = await Chromium.start();
    }, 180_000);
    afterAll(async () => {
      await chromium?.close();
      await cluster?.balancer.stop();
      await servers?.stop();
      await redis.stop();
    });

    let first: ChatTab;
    beforeEach(async () => {
      first = await ChatTab.open(await chromium.newWindow(), cluster.url);
      await first.press('login');
      await first.shows('state', 'connected');
      await first.say('hello');
    });
    afterEach(() => first?.window.close());

    /** More tabs of the same person, until there is one at the same server as the first tab, and one at the other. */
    async function openBoth(): Promise<{ readonly beside: ChatTab; readonly elsewhere: ChatTab }> {
      let beside: ChatTab | undefined;
      let elsewhere: ChatTab | undefined;
      for (let n = 1; !beside || !elsewhere; n++) {
        if (n > 10) throw new Error('all tabs are at one server');
        const tab = await ChatTab.open(await first.window.another(), cluster.url);
        await first.say(`first ${n}`);
        await tab.say(`tab ${n}`);
        // What a socket is sent comes in order, and the first tab has spoken first.
        if ((await tab.lines()).includes(`ann: first ${n}`)) beside = tab;
        else elsewhere = tab;
      }
      return { beside, elsewhere };
    }

    it('has one counter for the requests and the messages of all tabs', async () => {
      const { beside, elsewhere } = await openBoth();
      const count = Number((await first.fetch('/count')).replace('counter=', ''));
      let said = 0;
      for (const tab of [first, beside, elsewhere]) {
        await tab.say(`all ${++said}`);
        await tab.shows('count', `${count + said}`);
      }
      expect(await elsewhere.fetch('/count')).toBe(`counter=${count + said + 1}`);
      expect([first, beside, elsewhere].flatMap(({ window }) => window.complaints)).toEqual([]);
    });

    it('closes all tabs, at both servers, when one of them logs out', async () => {
      const { beside, elsewhere } = await openBoth();
      await elsewhere.press('logout');
      for (const tab of [first, beside, elsewhere]) await tab.shows('state', 'signed out');
      expect(await first.fetch('/count')).toBe('counter=1');
    });

    // It is the last one: a server of two is gone then.
    it('connects again, to the server that is left, and counts on', async () => {
      const { elsewhere } = await openBoth();
      await cluster.node('s1').kill();
      await eventually('all are at one server', async () => {
        await first.send('still here');
        return (await elsewhere.lines()).includes('ann: still here');
      });
      const count = Number((await first.fetch('/count')).replace('counter=', ''));
      await elsewhere.say('me too');
      await elsewhere.shows('count', `${count + 1}`);
      expect(count).toBeGreaterThan(3);
    });
  },
);
