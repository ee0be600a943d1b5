import type { BrowserContext, KeyInput, Page } from 'puppeteer-core';
import { eventually } from '../support/eventually.js';

/** Tells one document from the next. */
const DOCUMENT = 'performance.timeOrigin';

/** A window of a browser, used as a person does. */
export class BrowserWindow {
  /** What the pages have thrown, and written as errors to the console. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
  ) {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text());
    });
  }

  static async open(context: BrowserContext): Promise<BrowserWindow> {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    return new BrowserWindow(context, page);
  }

  /** Another one of the same person: it shares the cookies and the caches. */
  another(): Promise<BrowserWindow> {
    return BrowserWindow.open(this.context);
  }

  /** The size of the window, and what its person has set for colours. */
  async looks(width: number, height: number, colours: 'light' | 'dark' = 'light'): Promise<void> {
    await this.page.setViewport({ width, height });
    await this.page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: colours }]);
  }

  /** As typed into the address line. */
  async visit(url: string): Promise<void> {
    await this.page.goto(url);
  }

  /** Clicks a link or button, which leads to another page. */
  async click(selector: string): Promise<void> {
    const left = await this.run(DOCUMENT);
    await this.page.click(selector);
    // The driver does not notice when the browser shows a page that it has prefetched.
    await eventually(`a click on ${selector} leads to another page`, () =>
      this.run<boolean>(`document.readyState === 'complete' && ${DOCUMENT} !== ${JSON.stringify(left)}`),
    );
  }

  /** The button Back. */
  async back(): Promise<void> {
    await this.page.goBack();
  }

  /** Lets the browser load the page of a path before somebody clicks on a link to it. */
  async speculate(kind: 'prefetch' | 'prerender', path: string): Promise<void> {
    const rules = JSON.stringify({ [kind]: [{ urls: [path], eagerness: 'immediate' }] });
    await this.run(`{
      const script = document.createElement('script');
      script.type = 'speculationrules';
      script.textContent = ${JSON.stringify(rules)};
      document.head.append(script);
    }`);
  }

  /** The text that a person reads in the window: the first paragraph of the page. */
  text(): Promise<string> {
    return this.run('document.querySelector("p").textContent');
  }

  /** Waits until a person reads this, on whichever page the window has got to by itself. */
  async reads(text: string): Promise<void> {
    await eventually(`the window shows "${text}"`, async () => (await this.text()) === text);
  }

  /** The text of a page that the one in the window embeds. */
  async frame(url: string): Promise<string> {
    await this.run(`new Promise((loaded) => {
      const frame = document.createElement('iframe');
      frame.src = '${url}';
      frame.onload = loaded;
      document.body.append(frame);
    }).then(() => undefined)`);
    return String(await this.page.frames().at(-1)?.evaluate('document.body.innerText'));
  }

  /** Writes what the window shows into a file of the type PNG. */
  async picture(file: `${string}.png`): Promise<void> {
    await this.page.screenshot({ path: file });
  }

  /** Presses keys one after the other, by their names: `Tab`, `Enter`, `a`. */
  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.page.keyboard.press(key as KeyInput);
  }

  /** The value of a script that runs in the page, waited for. */
  run<T>(script: string): Promise<T> {
    return this.page.evaluate(script) as Promise<T>;
  }

  /** `name=value` of each cookie that the browser has, for all sites. */
  async cookies(): Promise<readonly string[]> {
    return (await this.context.cookies()).map(({ name, value }) => `${name}=${value}`);
  }

  /** Closes this window and all others of its person. */
  close(): Promise<void> {
    return this.context.close();
  }
}
