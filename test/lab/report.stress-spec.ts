import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { BrowserWindow } from '../browser/browser-window.js';
import { Chromium } from '../browser/chromium.js';
import { eventually } from '../support/eventually.js';
import { patterns } from './patterns.js';
import { plan, play } from './play.js';
import { RawFiles } from './raw-files.js';
import { columns } from './report/cells.js';
import { writeReports } from './report/write.js';
import { sizes } from './step.js';
import { steps } from './steps/index.js';

const PLAYED = patterns.filter(({ name }) => name === 'sticky' || name === 'cached');

/** How many points of each chart are painted. */
const PAINTED = `[...document.querySelectorAll('figure canvas')].map((canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((_, i) => i % 4 === 3 && data[i] > 0).length;
})`;

describe('the report of the pattern lab, in a browser', () => {
  let directory: string;
  let raw: RawFiles;
  let url: string;
  let chromium: Chromium;
  let window: BrowserWindow;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-lab-'));
    raw = new RawFiles(join(directory, 'raw'));
    await play(plan(PLAYED, steps, ['haproxy'], sizes.quick), sizes.quick, raw, { out: { write: () => undefined } });
    url = String(pathToFileURL(writeReports(raw, directory)[1] as string));
    chromium = await Chromium.start();
    window = await chromium.newWindow();
  }, 400_000);
  afterAll(async () => {
    await chromium?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('was made of steps that all could be played', () => {
    expect(raw.read().filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it.each([
    ['desk', 1200, 'light'],
    ['desk', 1200, 'dark'],
    ['phone', 390, 'light'],
    ['phone', 390, 'dark'],
  ] as const)('draws all charts and is no wider than the window: on a %s of %i px, %s', async (_, width, colours) => {
    await window.looks(width, 800, colours);
    await window.visit(url);

    const figures = await window.run<number>(`document.querySelectorAll('figure').length`);
    expect(figures).toBeGreaterThan(10);
    const painted = await eventually('all charts are painted', async () => {
      const points = await window.run<number[]>(PAINTED);
      return points.length === figures && points;
    });
    for (const points of painted) expect(points).toBeGreaterThan(500);
    expect(await window.run('document.documentElement.scrollWidth')).toBe(width);
    expect(window.complaints).toEqual([]);
  });

  it('has the whole table, and needs nothing from anywhere else', async () => {
    await window.visit(url);

    const rows = await window.run<string[][]>(
      `[...document.querySelector('table').tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.innerText))`,
    );
    expect(rows.map((row) => row.length)).toEqual(PLAYED.map(() => columns.length));
    expect(rows.flat().filter((text) => text.trim() === '')).toEqual([]);
    expect(await window.run(`performance.getEntriesByType('resource').length`)).toBe(0);
    expect(await window.run(`document.querySelectorAll('[src], link').length`)).toBe(0);
  });
});
