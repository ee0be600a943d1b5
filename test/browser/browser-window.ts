import type { BrowserContext, Page } from 'puppeteer-core';

/** A window of a browser, used as a person does. */
export class BrowserWindow {
  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {}

  static async open(context: BrowserContext): Promise<BrowserWindow> {
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    return new BrowserWindow(context, page);
  }

  /** Another one of the same person: it shares the cookies and the caches. */
  another(): Promise<BrowserWindow> {
    return BrowserWindow.open(this.context);
  }

  /** As typed into the address line. */
  async visit(url: string): Promise<void> {
    await this.page.goto(url);
  }

  /** Clicks a link or button, which leads to another page. */
  async click(selector: string): Promise<void> {
    await Promise.all([this.page.waitForNavigation(), this.page.click(selector)]);
  }

  async back(): Promise<void> {
    await this.page.goBack();
  }

  /** The text that a person reads in the window: the first paragraph of the page. */
  text(): Promise<string> {
    return this.run('document.querySelector("p").textContent');
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
