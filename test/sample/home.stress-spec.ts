import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import type { BrowserWindow } from '../browser/browser-window.js';
import { Chromium } from '../browser/chromium.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';

/** The page of the sample in a window of a browser. */
class HomePage {
  private constructor(readonly window: BrowserWindow) {}

  static async open(window: BrowserWindow, url: string): Promise<HomePage> {
    await window.visit(url);
    const page = new HomePage(window);
    await page.settles();
    return page;
  }

  settles(): Promise<void> {
    return eventually('the page has what it asked for', () => this.run(`document.body.ariaBusy === 'false'`));
  }

  /** The text that a person reads at an element. */
  text(id: string): Promise<string> {
    return this.run(`document.getElementById('${id}').innerText`);
  }

  /** Goes to the next control whose text is this, by the key Tab, and presses Enter. */
  async use(control: string): Promise<void> {
    await eventually(`${control} has the focus`, async () => {
      await this.window.press('Tab');
      return this.run(`document.activeElement.innerText === '${control}'`);
    });
    await this.window.press('Enter');
    await this.settles();
  }

  run<T>(script: string): Promise<T> {
    return this.window.run(script);
  }
}

describe('the page of the sample, used with the keyboard alone,', () => {
  let redis: RedisServer;
  let app: INestApplication;
  let chromium: Chromium;
  let url: string;
  let page: HomePage;
  beforeAll(async () => (chromium = await Chromium.start()));
  afterAll(() => chromium.close());
  beforeEach(async () => {
    redis = await RedisServer.start();
    const env = { SESSION_PATTERN: 'external', REDIS_URL: redis.url, NODE_NAME: 's1', SERVER_TIMING: 'on' };
    app = await createApplication(readConfig(env));
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
    page = await HomePage.open(await chromium.newWindow(), url);
  });
  afterEach(async () => {
    await page.window.close();
    await app.close();
    await redis.stop();
  });

  it('counts, fills the cart, logs in and out, and says where the time went', async () => {
    expect(await page.text('node')).toBe('s1');
    await page.use('Count');
    await page.use('Count');
    expect(await page.text('count')).toBe('2');
    await page.use('Add');
    await page.use('Add');
    expect([await page.text('items'), await page.text('total')]).toEqual(['2 × tea, 7.00 Remove', '7.00']);
    await page.use('Remove');
    expect([await page.text('items'), await page.text('total')]).toEqual(['', '0.00']);
    expect(await page.text('timing')).toMatch(/sessionLoad[^]*sessionSave/);

    await page.use('Log in');
    expect(await page.text('who')).toBe('You are ann.');
    expect(await page.text('sessions')).toMatch(/^This one: .*Chrome.*, since /);
    expect(await page.text('count')).toBe('2');
    await page.use('Log out');
    expect([await page.text('who'), await page.text('count')]).toEqual(['You are not logged in.', '0']);
    expect(page.window.complaints).toEqual([]);
  });

  it('ends another session of the user, and no further one', async () => {
    const other = await HomePage.open(await chromium.newWindow(), url);
    await other.use('Log in');
    await page.use('Log in');
    await page.use('End');
    expect(await page.text('sessions')).toMatch(/^This one: [^\n]*$/);
    await other.run('location.reload()');
    await eventually('the other window is logged out', async () => (await other.text('who')).includes('not logged in'));
    expect(await page.text('who')).toBe('You are ann.');
    await other.window.close();
  });

  it('says that the session is kept while the store is away, and goes on when it is back', async () => {
    await page.use('Count');
    redis.signal('SIGSTOP');
    await page.use('Count');
    expect(await page.text('message')).toMatch(/^The server cannot reach its sessions now. Yours is kept/);
    redis.signal('SIGCONT');
    await eventually('it counts again', async () => {
      await page.use('Count');
      return (await page.text('message')) === '';
    });
    expect(Number(await page.text('count'))).toBeGreaterThan(1);
  });

  it.each([
    [390, 'light'],
    [390, 'dark'],
    [1280, 'light'],
    [1280, 'dark'],
  ] as const)('needs no horizontal scroll at %d px, %s', async (width, colours) => {
    await page.window.looks(width, 900, colours);
    await page.use('Count');
    await page.use('Add');
    await page.use('Log in');
    expect(await page.run('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    const folder = process.env['PICTURES'];
    if (folder !== undefined) await page.window.picture(`${folder}/home-${width}-${colours}.png`);
    expect(page.window.complaints).toEqual([]);
  });
});
