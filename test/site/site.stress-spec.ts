import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BrowserWindow } from '../browser/browser-window.js';
import { Chromium } from '../browser/chromium.js';
import { eventually } from '../support/eventually.js';
import { StaticServer } from './static-server.js';

const exec = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const dist = join(root, 'site/dist');

/** What strangers ask, and the page that answers. */
const QUESTIONS = [
  ['409 conflict what do I do', /conflicts|errors|troubles/],
  ['session lost behind nginx', /deploy|proxies|troubles/],
  ['test a controller with a session bean', /testing/],
  ['log out all devices', /login|registry/],
  ['passport', /passport|login|compatibility/],
  ['which store', /stores|choosing/],
  ['session in gateway', /websockets|outside-handlers|graphql/],
  ['why is my cookie not set', /browsers|proxies|troubles/],
] as const;

describe('the documentation site, in a browser', () => {
  let server: StaticServer;
  let chromium: Chromium;
  let window: BrowserWindow;
  let built: string;

  beforeAll(async () => {
    const { stdout, stderr } = await exec('npm', ['run', '--silent', 'docs'], { cwd: root });
    built = stdout + stderr;
    server = await StaticServer.of(dist);
    chromium = await Chromium.start();
    window = await chromium.newWindow();
  }, 600_000);

  afterAll(async () => {
    await chromium?.close();
    server?.close();
  });

  it('is built without a warning', () => {
    expect(built).toContain('build complete');
    expect(built).not.toMatch(/warn|\(!\)|dead link/i);
  });

  it.each([
    ['desk', 1200, 'light'],
    ['desk', 1200, 'dark'],
    ['phone', 390, 'light'],
    ['phone', 390, 'dark'],
  ] as const)('is no wider than the window on any page: on a %s of %i px, %s', async (_, width, colours) => {
    await window.looks(width, 800, colours);
    const tooWide: string[] = [];
    for (const page of pages()) {
      await window.visit(server.url(page));
      await hasStarted();
      const wide = await window.run<number>('document.documentElement.scrollWidth');
      if (wide > width) tooWide.push(`${page}: ${wide} px`);
    }

    expect(tooWide).toEqual([]);
    expect(await window.run(`document.documentElement.classList.contains('dark')`)).toBe(colours === 'dark');
    expect(server.missing).toEqual([]);
    expect(window.complaints).toEqual([]);
  });

  it.each(QUESTIONS)('answers the question "%s" among the first three results', async (question, answer) => {
    await window.looks(1200, 800);
    await window.visit(server.url('/'));
    await hasStarted();
    await window.run(`document.querySelector('.DocSearch-Button').click()`);
    await eventually('the search is open', () => window.run<boolean>(`!!document.querySelector('.search-input')`));
    await window.run(`(() => {
      const input = document.querySelector('.search-input');
      input.value = ${JSON.stringify(question)};
      input.dispatchEvent(new Event('input', { bubbles: true }));
    })()`);
    const found = await eventually('there are results', async () => {
      const links = await window.run<string[]>(
        `[...document.querySelectorAll('a.result')].map(({ pathname }) => pathname)`,
      );
      return links.length > 0 && links;
    });

    expect(found.slice(0, 3)).toContainEqual(expect.stringMatching(answer));
  });

  it('tells programs which pages there are', () => {
    const listed = [...readFileSync(join(dist, 'llms.txt'), 'utf8').matchAll(/\]\((\/[^)]+)\)/g)].map(
      ([, path]) => path,
    );

    expect(listed.length).toBeGreaterThan(20);
    for (const path of listed) expect(readFileSync(join(dist, path ?? ''), 'utf8')).toMatch(/^# /m);
  });

  /** Until then the page is what the server sent, without the choice of colours. */
  function hasStarted(): Promise<unknown> {
    return eventually('the page runs', () => window.run<boolean>(`!!document.querySelector('#app').__vue_app__`));
  }
});

function pages(): string[] {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
  return files.filter((path) => path.endsWith('.html') && !/^(404|files\/)/.test(path)).map((path) => `/${path}`);
}
