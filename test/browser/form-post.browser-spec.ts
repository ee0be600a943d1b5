import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Body, Controller, ForbiddenException, Get, Header, HttpCode, Post, Redirect } from '@nestjs/common';
import { HttpSession, SkipSession } from 'nestjs-session-beans';
import type { BrowserWindow } from './browser-window.js';
import { Chromium } from './chromium.js';
import { OtherSite } from './other-site.js';
import { Shop, page } from './shop.js';

interface CallbackForm {
  readonly code?: string;
  readonly state?: string;
}

let providerUrl = '';

/** As docs/browsers.md recommends it, and a callback of those who have not read it. */
@Controller('oauth')
class OAuthController {
  constructor(private readonly session: HttpSession) {}

  @Get('start')
  @Redirect()
  start(): { url: string } {
    this.session.set('state', 'state-1');
    return { url: `${providerUrl}?state=state-1` };
  }

  /** Comes from another site, and so without the cookie: it sends the form once more, from a page of this site. */
  @Post('callback')
  @SkipSession()
  @HttpCode(200)
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  passOn(@Body() { code = '', state = '' }: CallbackForm): string {
    return page(
      'one moment',
      `<form method="post" action="/oauth/login">
        <input type="hidden" name="code" value="${escaped(code)}">
        <input type="hidden" name="state" value="${escaped(state)}">
        <button>Continue</button>
      </form>
      <script>document.forms[0].submit()</script>`,
    );
  }

  @Post('login')
  @Redirect('/', 303)
  async login(@Body() { code, state }: CallbackForm): Promise<void> {
    if (state === undefined || state !== this.session.get('state')) throw new ForbiddenException();
    await this.session.login(`the user of ${code}`);
  }

  @Post('callback-at-once')
  @Redirect('/', 303)
  async loginAtOnce(@Body() { code }: CallbackForm): Promise<void> {
    await this.session.login(`the user of ${code}`);
  }
}

function escaped(text: unknown): string {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

describe.each([
  { adapter: 'express', sameSite: 'lax' },
  { adapter: 'express', sameSite: 'strict' },
  { adapter: 'fastify', sameSite: 'lax' },
] as const)('a form_post callback of OAuth, $adapter, SameSite=$sameSite,', ({ adapter, sameSite }) => {
  let chromium: Chromium;
  let provider: OtherSite;
  let shop: Shop;
  let window: BrowserWindow;
  beforeAll(async () => {
    chromium = await Chromium.start();
    provider = await OtherSite.start();
    shop = await Shop.start({ adapter, session: { cookie: { sameSite } }, controllers: [OAuthController] });
  });
  afterEach(() => window?.close());
  afterAll(async () => {
    await shop?.close();
    await provider?.close();
    await chromium?.close();
  });

  /** A person starts to log in, and agrees on the page of the provider, which posts to `callback`. */
  async function agree(callback: string): Promise<void> {
    providerUrl = provider.add(
      `<form method="post" action="${shop.url(callback)}">
          <input type="hidden" name="code" value="code-7"><input type="hidden" name="state">
          <button id="agree">I agree</button>
        </form>
        <script>document.forms[0].state.value = new URL(location).searchParams.get('state')</script>`,
    );
    window = await chromium.newWindow();
    await window.visit(shop.url('/'));
    await window.visit(shop.url('/oauth/start'));
    await window.click('#agree');
  }

  it('that passes the form on logs in to the session that started it', async () => {
    await agree('/oauth/callback');
    await window.reads('welcome the user of code-7');
    const { hasCookie, from } = shop.lastOf('POST /oauth/callback') ?? {};
    expect([hasCookie, from]).toEqual([false, 'cross-site']);
    await window.visit(shop.url('/'));
    expect(await window.text()).toBe('welcome the user of code-7');
  });

  it('that logs in at once logs nobody in: anybody could have sent it', async () => {
    await agree('/oauth/callback-at-once');
    expect(await window.text()).toBe('welcome nobody');
    expect(shop.ignored.at(-1)).toBe('withheld');
    await window.visit(shop.url('/'));
    expect(await window.text()).toBe('welcome nobody');
  });
});
