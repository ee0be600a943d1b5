import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Header, HttpCode, Param, Post, Redirect, type Type, applyDecorators } from '@nestjs/common';
import { HttpSession, SessionEvents, type SessionModuleOptions } from 'nestjs-session-beans';
import { type AdapterName, type TestApplication, startApplication } from '../support/platforms.js';

/** The address of a handler that answers with a page. */
export function Page(path = ''): MethodDecorator {
  return applyDecorators(Get(path), Header('Content-Type', 'text/html; charset=utf-8'));
}

/** A page with a text, and with links and buttons below it. */
export function page(text: string, body = ''): string {
  return `<!doctype html><title>shop</title><link rel="icon" href="data:,"><p>${text}</p>${body}`;
}

const CONTROLS = `
  <a id="home" href="/">home</a> <a id="account" href="/account">account</a>
  <form method="post" action="/login/alice"><button id="login">log in</button></form>
  <form method="post" action="/logout"><button id="logout">log out</button></form>`;

const LATE_BEACON = '/late-beacon';

@Controller()
export class ShopController {
  /** What handlers of slow requests wait for, when they have done their work. */
  slowOnesGoOn = Promise.resolve();

  /** What late requests wait for, before the application looks at them. */
  lateOnesArrive = Promise.resolve();

  constructor(private readonly session: HttpSession) {}

  @Page()
  home(): string {
    return page(`welcome ${this.user}`, CONTROLS);
  }

  @Page('account')
  account(): string {
    return page(`the account of ${this.user}`, CONTROLS);
  }

  @Page('account/no-store')
  @Header('Cache-Control', 'no-store')
  accountOfNoStore(): string {
    return this.account();
  }

  @Page('account/max-age')
  @Header('Cache-Control', 'max-age=600')
  accountOfMaxAge(): string {
    return this.account();
  }

  @Post('login/:user')
  @Redirect('/', 303)
  login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('logout')
  @Redirect('/', 303)
  logout(): Promise<void> {
    return this.session.logout();
  }

  /** A link that writes, as counters of visits do. */
  @Page('count')
  count(): string {
    const count = ((this.session.get('count') as number | undefined) ?? 0) + 1;
    this.session.set('count', count);
    return page(`${this.user} was here ${count} times`);
  }

  @Post('count')
  @Header('Content-Type', 'text/html; charset=utf-8')
  countPost(): string {
    return this.count();
  }

  @Get('slow')
  async slow(): Promise<string> {
    await this.slowOnesGoOn;
    return `slow for ${this.user}`;
  }

  @Post(['slow-beacon', LATE_BEACON])
  @HttpCode(204)
  async beacon(): Promise<void> {
    this.session.set('seen', true);
    await this.slowOnesGoOn;
  }

  private get user(): string {
    return this.session.principal ?? 'nobody';
  }
}

/** A request as it came to the application. */
export interface ReceivedRequest {
  /** e.g. `POST /count` */
  readonly line: string;
  readonly hasCookie: boolean;

  /** `Sec-Fetch-Site`: where the page is that made the browser send it. */
  readonly from: string | undefined;

  /** `Sec-Purpose`: the browser loads it before anybody has asked for it. */
  readonly purpose: string | undefined;

  /** Resolves with the status of the answer when it has left; undefined when the client has gone before. */
  readonly answered: Promise<number | undefined>;
}

export interface ShopOptions {
  readonly adapter?: AdapterName;
  readonly session?: SessionModuleOptions;
  readonly controllers?: readonly Type[];
  readonly beans?: readonly Type<object>[];
}

/** An application at an address of its own site. Close it. */
export class Shop {
  /** The reasons of the event `ignored` so far. */
  readonly ignored: string[] = [];

  private constructor(
    private readonly server: TestApplication,
    /** The requests so far, oldest first. */
    readonly received: readonly ReceivedRequest[],
  ) {
    server.app.get(SessionEvents).on('ignored', ({ reason }) => void this.ignored.push(reason));
  }

  static async start({
    adapter = 'express',
    session = {},
    controllers = [],
    beans = [],
  }: ShopOptions = {}): Promise<Shop> {
    const received: ReceivedRequest[] = [];
    const server = await startApplication({
      adapter,
      session,
      beans,
      controllers: [ShopController, ...controllers],
      prepare(app) {
        app.enableCors({ origin: true, credentials: true });
        app.use((request: IncomingMessage, response: ServerResponse, next: () => void) => {
          received.push(receivedRequest(request, response));
          void goOn(request.url === LATE_BEACON ? app.get(ShopController).lateOnesArrive : undefined, next);
        });
      },
    });
    return new Shop(server, received);
  }

  url(path: string): string {
    return `http://shop.localhost:${new URL(this.server.url).port}${path}`;
  }

  get controller(): ShopController {
    return this.server.app.get(ShopController);
  }

  /** The last request of this method and path. */
  lastOf(line: string): ReceivedRequest | undefined {
    return this.received.findLast((request) => request.line === line);
  }

  close(): Promise<void> {
    return this.server.close();
  }
}

async function goOn(when: Promise<void> | undefined, next: () => void): Promise<void> {
  await when;
  next();
}

function receivedRequest({ method, url, headers }: IncomingMessage, response: ServerResponse): ReceivedRequest {
  return {
    line: `${method} ${url}`,
    hasCookie: headers.cookie !== undefined,
    from: headers['sec-fetch-site']?.toString(),
    purpose: headers['sec-purpose']?.toString(),
    answered: once(response, 'close').then(() => (response.writableFinished ? response.statusCode : undefined)),
  };
}
