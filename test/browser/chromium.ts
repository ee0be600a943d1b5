import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import puppeteer, { type Browser } from 'puppeteer-core';
import { adapters } from '../support/platforms.js';
import { rounds } from '../support/rounds.js';
import { BrowserWindow } from './browser-window.js';

/** What a browser does with an answer does not depend on what made it: `test:stress` tries both. */
export const triedAdapters = adapters.slice(0, rounds(1, 2));

/** A real Chromium without a screen. Close it. */
export class Chromium {
  private constructor(
    private readonly browser: Browser,
    private readonly hasProfile: boolean,
  ) {}

  /** @param profile a folder, with which it can be closed and started again; default: each window has a new one */
  static async start(profile?: string): Promise<Chromium> {
    const browser = await puppeteer.launch({
      executablePath: executable(),
      // A root may not use the sandbox. The pages come from the tests.
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic'],
      timeout: 120_000,
      ...(profile !== undefined && { userDataDir: profile }),
    });
    return new Chromium(browser, profile !== undefined);
  }

  /** A window in a profile of its own, which has no cookies and has seen no page; or in the one that was given. */
  async newWindow(): Promise<BrowserWindow> {
    const { browser, hasProfile } = this;
    return BrowserWindow.open(hasProfile ? browser.defaultBrowserContext() : await browser.createBrowserContext());
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
