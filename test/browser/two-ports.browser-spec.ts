import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { SessionCookieOptions } from 'nestjs-session-beans';
import type { BrowserWindow } from './browser-window.js';
import { Chromium, triedAdapters } from './chromium.js';
import { Shop } from './shop.js';

describe.each(triedAdapters)('E7 two applications at ports of one host, $adapter,', ({ adapter }) => {
  let chromium: Chromium;
  let shops: Shop[] = [];
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
  });
  afterEach(async () => {
    await window?.close();
    for (const shop of shops) await shop.close();
  });
  afterAll(() => chromium?.close());

  /** Logs in to both, and comes back to both. @returns what each shows then */
  async function visitBoth(first: SessionCookieOptions, second: SessionCookieOptions): Promise<readonly string[]> {
    shops = [];
    for (const cookie of [first, second]) shops.push(await Shop.start({ adapter, session: { cookie } }));
    window = await chromium.newWindow();
    for (const shop of shops) {
      await window.visit(shop.url('/'));
      await window.click('#login');
      expect(await window.text()).toBe('welcome alice');
    }
    const shown: string[] = [];
    for (const shop of shops) {
      await window.visit(shop.url('/'));
      shown.push(await window.text());
    }
    return shown;
  }

  it('log each other out with cookies of one name', async () => {
    expect(await visitBoth({}, {})).toEqual(['welcome nobody', 'welcome nobody']);
  });

  it('stay apart with names of their own', async () => {
    expect(await visitBoth({ name: '__Host-shop' }, { name: '__Host-desk' })).toEqual([
      'welcome alice',
      'welcome alice',
    ]);
    const cookies = await window.cookies();
    expect(cookies.toSorted()).toEqual([expect.stringMatching(/^desk=/), expect.stringMatching(/^shop=/)]);
  });
});
