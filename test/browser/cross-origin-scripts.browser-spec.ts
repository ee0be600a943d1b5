import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BrowserWindow } from './browser-window.js';
import { Chromium, triedAdapters } from './chromium.js';
import { OtherSite } from './other-site.js';
import { Shop } from './shop.js';

/** What a script sees of an answer. */
interface Answer {
  readonly text: string;
  readonly id: string | null;
  readonly seen: string | null;
}

describe.each(triedAdapters)('A8 a script of another origin, with the id in a header, $adapter,', ({ adapter }) => {
  let chromium: Chromium;
  let site: OtherSite;
  let shop: Shop;
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
    site = await OtherSite.start();
  });
  beforeEach(async () => {
    shop = await Shop.start({ adapter, session: { idTransport: 'header' } });
    window = await chromium.newWindow();
    await window.visit(site.add(''));
  });
  afterEach(async () => {
    await window?.close();
    await shop?.close();
  });
  afterAll(async () => {
    await site?.close();
    await chromium?.close();
  });

  const send = (path: string, headers: Record<string, string>, credentials = 'omit') =>
    window.run<Answer>(`fetch('${shop.url(path)}', {
      method: 'POST', redirect: 'manual', credentials: '${credentials}', headers: ${JSON.stringify(headers)}
    }).then(async (answer) => ({
      text: (await answer.text()).match(/<p>(.*)<.p>/)?.[1],
      id: answer.headers.get('x-session-id'),
      seen: answer.headers.get('x-session-seen'),
    }))`);

  it.each(['omit', 'include'])('reads its id, and sends it back; credentials: %s', async (credentials) => {
    const first = await send('/count', {}, credentials);
    expect(first).toMatchObject({ text: 'nobody was here 1 times', id: expect.stringMatching(/^[\w-]{65}$/) });
    const second = await send('/count', { 'X-Session-Id': String(first.id), 'X-Session-Seen': '-' }, credentials);
    expect(second).toEqual({ text: 'nobody was here 2 times', id: null, seen: null });
    expect(shop.ignored).toEqual([]);
  });
});
