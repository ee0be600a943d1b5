import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Chromium } from '../../browser/chromium.js';
import type { RawFiles } from '../raw-files.js';
import { writeReports } from './write.js';

/** The size of the picture in a README. */
const [WIDTH, HEIGHT] = [1100, 900];

/** Writes the reports into a folder of the documentation, with a picture of the page's beginning. */
export async function writeExample(raw: RawFiles, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const [, page = ''] = writeReports(raw, directory);
  const chromium = await Chromium.start();
  try {
    const window = await chromium.newWindow();
    await window.looks(WIDTH, HEIGHT);
    await window.visit(String(pathToFileURL(resolve(page))));
    await window.picture(`${directory}/report.png`);
  } finally {
    await chromium.close();
  }
}
