import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { BrowserWindow } from './browser-window.js';

/** A real Chromium without a screen. Close it. */
export class Chromium {
  private constructor(private readonly browser: Browser) {}

  static async start(): Promise<Chromium> {
    const browser = await puppeteer.launch({
      executablePath: executable(),
      // A root may not use the sandbox. The pages come from the tests.
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
      timeout: 120_000,
    });
    return new Chromium(browser);
  }

  /** A window in a profile of its own: it has no cookies, and has seen no page. */
  async newWindow(): Promise<BrowserWindow> {
    return BrowserWindow.open(await this.browser.createBrowserContext());
  }

  close(): Promise<void> {
    return this.browser.close();
  }
}

function executable(): string {
  const places = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'chromium'));
  const found = places.find((file) => existsSync(file));
  if (found === undefined) throw new Error('chromium is not installed: node test/setup/servers.mjs');
  return found;
}
