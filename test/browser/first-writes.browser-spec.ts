import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post } from '@nestjs/common';
import { HttpSession, Merge, SessionScoped } from 'nestjs-session-beans';
import { Latch } from '../support/latch.js';
import type { BrowserWindow } from './browser-window.js';
import { Chromium, triedAdapters } from './chromium.js';
import { Page, Shop, page } from './shop.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') value = 0;
}

/** As many as the browser sends at once to one host. */
const AT_ONCE = 6;
const WRITES = 50;

let arrived = 0;
let firstOnes = new Latch();

@Controller('tally')
class TallyController {
  @Inject() private readonly tally!: Tally;
  @Inject() private readonly session!: HttpSession;

  @Page()
  plain(): string {
    return page('no session yet');
  }

  @Page('started')
  started(): string {
    this.session.start();
    return page('a session from the start');
  }

  @Post()
  async add(): Promise<void> {
    if (++arrived === AT_ONCE) firstOnes.open();
    await firstOnes.opened;
    this.tally.value++;
  }

  @Get('value')
  value(): number {
    return this.tally.value;
  }
}

describe.each(triedAdapters)(
  'E4 a page that sends 50 writes at once, without a cookie before, $adapter,',
  ({ adapter }) => {
    let chromium: Chromium;
    let shop: Shop;
    let window: BrowserWindow;
    beforeAll(async () => {
      chromium = await Chromium.start();
    });
    beforeEach(async () => {
      [arrived, firstOnes] = [0, new Latch()];
      shop = await Shop.start({ adapter, beans: [Tally], controllers: [TallyController] });
      window = await chromium.newWindow();
    });
    afterEach(async () => {
      await window?.close();
      await shop?.close();
    });
    afterAll(() => chromium?.close());

    const writes = () =>
      window.run<number[]>(`Promise.all(Array.from({ length: ${WRITES} },
      () => fetch('/tally', { method: 'POST' }).then(({ status }) => status)))`);
    const kept = async () => Number(await window.run('fetch("/tally/value").then((answer) => answer.text())'));

    it('keeps all of them where the page came with session.start()', async () => {
      await window.visit(shop.url('/tally/started'));
      const cookies = await window.cookies();
      expect(cookies).toHaveLength(1);
      expect(new Set(await writes())).toEqual(new Set([201]));
      expect([await kept(), await window.cookies()]).toEqual([WRITES, cookies]);
    });

    it('has a session for each of those that left without a cookie, and keeps one of these', async () => {
      await window.visit(shop.url('/tally'));
      expect(new Set(await writes())).toEqual(new Set([201]));
      expect(await kept()).toBeLessThanOrEqual(WRITES - AT_ONCE + 1);
      expect(await window.cookies()).toHaveLength(1);
    });
  },
);
