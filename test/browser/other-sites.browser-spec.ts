import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { SessionCookieOptions } from 'nestjs-session-beans';
import type { BrowserWindow } from './browser-window.js';
import { Chromium } from './chromium.js';
import { OtherSite } from './other-site.js';
import { Shop } from './shop.js';

describe('another site', () => {
  let chromium: Chromium;
  let site: OtherSite;
  let shop: Shop;
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
    site = await OtherSite.start();
  });
  beforeEach(async () => {
    window = await chromium.newWindow();
  });
  afterEach(async () => {
    await window?.close();
    await shop?.close();
  });
  afterAll(async () => {
    await site?.close();
    await chromium?.close();
  });

  async function start(cookie: SessionCookieOptions): Promise<void> {
    shop = await Shop.start({ session: { cookie } });
  }

  it.each([
    ['lax', 'a form', '#send', 'POST /count'],
    ['strict', 'a form', '#send', 'POST /count'],
    ['strict', 'a link', '#link', 'GET /count'],
  ] as const)('E2 SameSite=%s: with %s to a route that writes, logs nobody out', async (sameSite, _, control, line) => {
    await start({ sameSite });
    await window.visit(shop.url('/'));
    await window.click('#login');
    const before = await window.cookies();
    await window.visit(
      site.add(`<form method="post" action="${shop.url('/count')}"><button id="send">send</button></form>
        <a id="link" href="${shop.url('/count')}">link</a>`),
    );

    await window.click(control);

    expect(await window.text()).toBe('nobody was here 1 times');
    expect(shop.lastOf(line)).toMatchObject({ hasCookie: false, from: 'cross-site' });
    expect([await window.cookies(), shop.ignored]).toEqual([before, ['withheld']]);
    await window.visit(shop.url('/'));
    expect(await window.text()).toBe('welcome alice');
  });

  it('E2 SameSite=lax: with a link, leads into the session, and starts one where there is none', async () => {
    await start({ sameSite: 'lax' });
    const url = site.add(`<a id="link" href="${shop.url('/count')}">link</a>`);
    for (const count of [1, 2]) {
      await window.visit(url);
      await window.click('#link');
      expect(await window.text()).toBe(`nobody was here ${count} times`);
    }
    expect(shop.ignored).toEqual([]);
  });

  describe('E3 that embeds the application', () => {
    const requests = {
      fetch: (url: string) =>
        window.run<string>(
          `fetch('${url}', { method: 'POST', credentials: 'include' }).then((answer) => answer.text())`,
        ),
      iframe: (url: string) => window.frame(url),
    };
    const kinds = Object.keys(requests) as (keyof typeof requests)[];

    // The browsers of the tests block third-party cookies, as most do.
    it.each(
      kinds.flatMap((kind) => [
        [kind, 'lax', { sameSite: 'lax' }] as const,
        [kind, 'strict', { sameSite: 'strict' }] as const,
        [kind, 'none', { sameSite: 'none', secure: true }] as const,
      ]),
    )(
      'by %s, SameSite=%s: starts sessions that nobody can come back to, and the application is told',
      async (kind, _, cookie) => {
        await start(cookie);
        await window.visit(site.add(''));
        for (const told of [['withheld'], ['withheld', 'withheld']]) {
          expect(await requests[kind](shop.url('/count'))).toContain('nobody was here 1 times');
          expect([await window.cookies(), shop.ignored]).toEqual([[], told]);
        }
      },
    );

    it.each(kinds)('by %s, with a partitioned cookie: has a session, which is none of other sites', async (kind) => {
      await start({ sameSite: 'none', secure: true, partitioned: true });
      await window.visit(site.add(''));
      for (const count of [1, 2]) {
        expect(await requests[kind](shop.url('/count'))).toContain(`nobody was here ${count} times`);
      }
      expect(shop.ignored).toEqual([]);
      await window.visit(shop.url('/count'));
      expect(await window.text()).toBe('nobody was here 1 times');
    });
  });
});
