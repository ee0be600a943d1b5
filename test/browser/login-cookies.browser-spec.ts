import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ManualClock } from 'nestjs-session-beans/testing';
import { eventually } from '../support/eventually.js';
import { Latch } from '../support/latch.js';
import type { BrowserWindow } from './browser-window.js';
import { Chromium, triedAdapters } from './chromium.js';
import { Shop } from './shop.js';

describe.each(triedAdapters)('the cookie in a real browser, $adapter,', ({ adapter }) => {
  let chromium: Chromium;
  let shop: Shop;
  let clock: ManualClock;
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
  });
  afterAll(() => chromium?.close());
  beforeEach(async () => {
    clock = new ManualClock();
    shop = await Shop.start({ adapter, session: { clock } });
    window = await chromium.newWindow();
    await window.visit(shop.url('/'));
  });
  afterEach(async () => {
    await window?.close();
    await shop?.close();
  });

  describe('A3', () => {
    it('is gone with the answer of the logout', async () => {
      await window.click('#login');
      expect(await window.cookies()).toEqual([expect.stringMatching(/^sid=/)]);
      await window.run('fetch("/logout", { method: "POST", redirect: "manual" })');
      expect(await window.cookies()).toEqual([]);
    });

    it('is gone with the first answer to an id that is dead', async () => {
      await window.click('#login');
      clock.advance(24 * 3_600_000);
      await window.click('#account');
      expect([await window.text(), await window.cookies()]).toEqual(['the account of nobody', []]);
    });

    it('stays when the answer to a dead id comes after a login', async () => {
      await window.click('#login');
      clock.advance(24 * 3_600_000);
      const slow = new Latch();
      shop.controller.slowOnesGoOn = slow.opened;
      // It goes on when the page is left.
      await window.run('void fetch("/slow", { keepalive: true })');
      await eventually('the slow request is there', () => shop.lastOf('GET /slow'));

      await window.click('#login');
      slow.open();
      expect(await shop.lastOf('GET /slow')?.answered).toBe(200);

      await window.visit(shop.url('/'));
      expect(await window.text()).toBe('welcome alice');
    });
  });

  describe('E8 a beacon at the submit of the login form', () => {
    it.each([
      ['an anonymous session', 'is slow', '/slow-beacon'],
      ['an anonymous session', 'arrives late', '/late-beacon'],
      ['a session that is over', 'is slow', '/slow-beacon'],
      ['a session that is over', 'arrives late', '/late-beacon'],
      ['a browser without any', 'is slow', '/slow-beacon'],
      ['a browser without any', 'arrives late', '/late-beacon'],
    ])('undoes no login in %s, when it %s', async (kind, _, path) => {
      const hasCookie = kind !== 'a browser without any';
      if (hasCookie) await window.visit(shop.url('/count'));
      await window.visit(shop.url('/'));
      if (kind === 'a session that is over') clock.advance(24 * 3_600_000);
      const login = new Latch();
      shop.controller.slowOnesGoOn = login.opened;
      shop.controller.lateOnesArrive = login.opened;
      await window.run(`document.forms[0].onsubmit = () => void navigator.sendBeacon('${path}')`);

      await window.click('#login');
      expect(await window.text()).toBe('welcome alice');
      const cookies = await window.cookies();
      const beacon = await eventually('the beacon is sent', () => shop.lastOf(`POST ${path}`));
      login.open();
      expect([beacon.hasCookie, await beacon.answered]).toEqual([hasCookie, hasCookie ? 409 : 204]);

      await window.visit(shop.url('/'));
      expect([await window.text(), await window.cookies()]).toEqual(['welcome alice', cookies]);
    });
  });
});
