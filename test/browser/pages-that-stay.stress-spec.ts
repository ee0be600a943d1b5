import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ClearSiteDataOptions } from 'nestjs-session-beans';
import { eventually } from '../support/eventually.js';
import type { BrowserWindow } from './browser-window.js';
import { Chromium } from './chromium.js';
import { Shop } from './shop.js';

describe('pages that a browser has loaded before', () => {
  let chromium: Chromium;
  let shop: Shop;
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
  });
  afterAll(() => chromium?.close());
  afterEach(async () => {
    await window?.close();
    await shop?.close();
  });

  async function start(clearSiteData?: ClearSiteDataOptions): Promise<void> {
    shop = await Shop.start({ session: { clearSiteData } });
    window = await chromium.newWindow();
    await window.visit(shop.url('/'));
  }
  /** How often the application was asked for the page. */
  const loads = (path: string) => shop.received.filter(({ line }) => line === `GET ${path}`).length;
  /** Logs in or out, and stays on the page. */
  const post = (path: string) => window.run(`fetch('${path}', { method: 'POST' }).then((answer) => answer.text())`);
  const logOut = {
    'in this window': () => post('/logout'),
    async 'in another window'() {
      const other = await window.another();
      await other.visit(shop.url('/'));
      await other.click('#logout');
    },
  };
  const ways = Object.keys(logOut) as (keyof typeof logOut)[];

  describe('E1 Back after a logout', () => {
    /** Opens the page as alice, and goes on to another one. */
    async function openAndLeave(path: string): Promise<void> {
      await window.click('#login');
      await window.visit(shop.url(path));
      expect(await window.text()).toBe('the account of alice');
      await window.click('#home');
    }

    it.each(ways)('shows nothing of a page that says no-store, after a logout %s', async (way) => {
      await start();
      await openAndLeave('/account/no-store');
      await logOut[way]();
      await window.back();
      expect([await window.text(), loads('/account/no-store')]).toEqual(['the account of nobody', 2]);
    });

    it('shows nothing of a page that says no-store where that page was left with the logout', async () => {
      await start();
      await window.click('#login');
      await window.visit(shop.url('/account/no-store'));
      await window.click('#logout');
      await window.back();
      expect(await window.text()).toBe('the account of nobody');
    });

    // `/account` says `private`, which the package has added. If this fails in a newer browser, it has become better.
    it.each(['/account', '/account/max-age'])('shows %s as it was, without a request', async (path) => {
      await start();
      await openAndLeave(path);
      await post('/logout');
      await window.back();
      expect([await window.text(), loads(path)]).toEqual(['the account of alice', 1]);
    });

    // It comes into the cache after the answer that clears it. If this fails in a newer browser, it has become better.
    it("shows the page that was left with the logout as it was, also with onLogout: ['cache']", async () => {
      await start({ onLogout: ['cache'] });
      await window.click('#login');
      await window.click('#account');
      await window.click('#logout');
      await window.back();
      expect([await window.text(), loads('/account')]).toEqual(['the account of alice', 1]);
    });

    it.each([
      ['/account', 'in this window'],
      ['/account', 'in another window'],
      ['/account/max-age', 'in this window'],
      ['/account/no-store', 'in this window'],
    ] as const)(
      "shows nothing of %s with clearSiteData: { onLogout: ['cache'] }, after a logout %s",
      async (path, way) => {
        await start({ onLogout: ['cache'] });
        await openAndLeave(path);
        await logOut[way]();
        await window.back();
        expect([await window.text(), loads(path)]).toEqual(['the account of nobody', 2]);
      },
    );
  });

  describe.each(['prefetch', 'prerender'] as const)('E5 a page that was loaded by a %s', (kind) => {
    const both = ['prefetchCache', 'prerenderCache'] as const;

    /** Starts with somebody logged in or nobody, who sees a link to the page, which the browser has loaded. */
    async function load(path: string, isLoggedIn: boolean, clearSiteData?: ClearSiteDataOptions): Promise<void> {
      await start(clearSiteData);
      if (isLoggedIn) await window.click('#login');
      await window.run(`document.querySelector('#account').href = '${path}'`);
      await window.speculate(kind, path);
      const request = await eventually('the browser loads the page', () => shop.lastOf(`GET ${path}`));
      expect(request.purpose).toContain(kind);
      await request.answered;
    }

    // If this fails in a newer browser, it has become better.
    it('before a logout is shown as it was, though it says no-store and the cookie is gone', async () => {
      await load('/account/no-store', true);
      await post('/logout');
      await window.click('#account');
      expect([await window.text(), loads('/account/no-store')]).toEqual(['the account of alice', 1]);
    });

    it('before a logout is loaded again by option', async () => {
      await load('/account', true, { onLogout: both });
      await post('/logout');
      await window.click('#account');
      expect([await window.text(), loads('/account')]).toEqual(['the account of nobody', 2]);
    });

    it('before a login is loaded again by option', async () => {
      await load('/account/max-age', false, { onLogin: both });
      await post('/login/alice');
      await window.click('#account');
      expect([await window.text(), loads('/account/max-age')]).toEqual(['the account of alice', 2]);
    });
  });
});
