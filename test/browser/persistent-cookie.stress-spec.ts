import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Chromium, triedAdapters } from './chromium.js';
import { Shop } from './shop.js';

describe.each(triedAdapters)('A4 a browser that is closed and started again, $adapter,', ({ adapter }) => {
  let profile: string;
  let shop: Shop;
  beforeEach(() => {
    profile = mkdtempSync(join(tmpdir(), 'session-beans-profile-'));
  });
  afterEach(async () => {
    await shop?.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  });

  it.each([
    [true, 'welcome alice'],
    [false, 'welcome nobody'],
  ])('with cookie.persistent: %s shows "%s"', async (persistent, text) => {
    shop = await Shop.start({ adapter, session: { cookie: { persistent } } });
    const before = await Chromium.start(profile);
    const window = await before.newWindow();
    await window.visit(shop.url('/'));
    await window.click('#login');
    expect(await window.text()).toBe('welcome alice');
    await before.close();

    const after = await Chromium.start(profile);
    const again = await after.newWindow();
    await again.visit(shop.url('/'));
    expect(await again.text()).toBe(text);
    await after.close();
  });
});
