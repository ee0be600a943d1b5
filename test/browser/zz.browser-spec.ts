import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { ClearSiteDataOptions } from 'nestjs-session-beans';
import { Chromium } from './chromium.js';
import { OtherSite } from './other-site.js';
import { Shop } from './shop.js';
import { setTimeout as pause } from 'node:timers/promises';

let chromium: Chromium;
const lines: string[] = [];
beforeAll(async () => {
  chromium = await Chromium.start();
});
afterAll(async () => {
  console.log(lines.join('\n'));
  await chromium?.close();
});

it('E1', async () => {
  for (const onLogout of [undefined, ['cache'], ['prefetchCache']] as ClearSiteDataOptions['onLogout'][]) {
    const shop = await Shop.start({ session: { clearSiteData: { onLogout } } });
    for (const path of ['/account', '/account/no-store', '/account/max-age'])
      for (const where of ['here', 'elsewhere', 'fetch']) {
        const window = await chromium.newWindow();
        await window.visit(shop.url('/'));
        await window.click('#login');
        await window.visit(shop.url(path));
        const before = await window.text();
        if (where === 'here') await window.click('#logout');
        else if (where === 'fetch') {
          await window.click('#home');
          await window.run('fetch("/logout", { method: "POST" }).then((r) => r.text())');
        } else {
          await window.click('#home');
          const other = await window.another();
          await other.visit(shop.url('/'));
          await other.click('#logout');
          await other.page.close();
        }
        const n = shop.received.length;
        await window.back();
        const nav = await window.run<string>(
          'JSON.stringify([performance.getEntriesByType("navigation")[0].type, performance.getEntriesByType("navigation")[0].notRestoredReasons])',
        );
        lines.push(
          [onLogout, path, where, before, '->', await window.text(), shop.received.slice(n).map((r) => r.line), await window.cookies(), nav.slice(0, 300)].join(' | '),
        );
        await window.close();
      }
    await shop.close();
  }
});

it('E5', async () => {
  const both = ['prefetchCache', 'prerenderCache'] as const;
  for (const clearSiteData of [undefined, { onLogin: both, onLogout: both }, { onLogin: ['cache'], onLogout: ['cache'] }] as (ClearSiteDataOptions | undefined)[]) {
    const shop = await Shop.start({ session: { clearSiteData } });
    for (const kind of ['prefetch', 'prerender'])
      for (const path of ['/account', '/account/no-store', '/account/max-age'])
        for (const change of ['login', 'logout']) {
          const window = await chromium.newWindow();
          await window.visit(shop.url('/'));
          if (change === 'logout') await window.click('#login');
          const n = shop.received.length;
          await window.run(`{ const s = document.createElement('script'); s.type = 'speculationrules';
            s.textContent = JSON.stringify({ ${kind}: [{ urls: ['${path}'], eagerness: 'immediate' }] });
            document.head.append(s);
            const a = document.createElement('a'); a.id = 'go'; a.href = '${path}'; a.textContent = 'go'; document.body.append(a); }`);
          await pause(500);
          const loaded = shop.received.slice(n).map((r) => `${r.line} ${r.purpose}`);
          await window.run(`fetch("/${change === 'login' ? 'login/alice' : 'logout'}", { method: "POST" }).then((r) => r.text())`);
          const m = shop.received.length;
          await window.click('#go');
          lines.push([JSON.stringify(clearSiteData), kind, path, change, loaded, '->', await window.text(), shop.received.slice(m).map((r) => r.line)].join(' | '));
          await window.close();
        }
    await shop.close();
  }
});

it('E2 E3', async () => {
  const site = await OtherSite.start();
  for (const [name, cookie] of [
    ['lax', {}],
    ['strict', { sameSite: 'strict' }],
    ['none', { sameSite: 'none', secure: true }],
    ['none named', { sameSite: 'none', secure: true, name: 'sid' }],
    ['partitioned', { sameSite: 'none', secure: true, partitioned: true, name: 'sid' }],
  ] as const) {
    const shop = await Shop.start({ session: { cookie } });
    const url = site.add(`<form method="post" action="${shop.url('/count')}"><button id="send">send</button></form>
      <a id="link" href="${shop.url('/count')}">link</a>`);
    const window = await chromium.newWindow();
    await window.visit(shop.url('/'));
    await window.click('#login');
    lines.push([name, 'start', await window.text(), await window.cookies()].join(' | '));
    for (const control of ['#send', '#link']) {
      await window.visit(url);
      await window.click(control);
      const said = await window.text();
      lines.push([name, control, said, JSON.stringify(shop.received.at(-1)), shop.ignored, await window.cookies()].join(' | '));
      await window.visit(shop.url('/'));
      lines.push([name, 'then', await window.text()].join(' | '));
    }
    await window.close();
    const third = await chromium.newWindow();
    await third.visit(site.add(''));
    for (let i = 0; i < 3; i++)
      lines.push([name, 'fetch', await third.run(`fetch('${shop.url('/count')}', { method: 'POST', credentials: 'include' }).then((r) => r.text())`), JSON.stringify(shop.received.at(-1)), shop.ignored, await third.cookies()].join(' | '));
    for (let i = 0; i < 3; i++) {
      const n = shop.received.length;
      await third.run(`new Promise((done) => { const f = document.createElement('iframe'); f.src = '${shop.url('/count')}'; f.onload = () => done(); document.body.append(f); })`);
      const frame = third.page.frames().at(-1);
      lines.push([name, 'iframe', await frame?.evaluate('document.body.innerText'), JSON.stringify(shop.received.slice(n)), shop.ignored, await third.cookies()].join(' | '));
    }
    await third.close();
    await shop.close();
  }
  await site.close();
  expect(1).toBe(1);
});
