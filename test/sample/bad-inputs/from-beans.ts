import { inspect } from 'node:util';
import { Readable } from 'node:stream';
import {
  BadRequestException,
  Controller,
  Get,
  type MessageEvent,
  type ModuleMetadata,
  Param,
  Post,
  Redirect,
  Res,
  Sse,
  StreamableFile,
} from '@nestjs/common';
import { HttpSession, SessionModule, SessionScoped } from 'nestjs-session-beans';
import { of } from 'rxjs';
import { CartItem } from '../../../src/cart/cart-item.js';

/** A bean into which the handlers put what beans should not, or may, hold. */
@SessionScoped({ name: 'bag' })
class Bag {
  value: unknown = 'nothing';
  count = 0;
}

@SessionScoped({ name: 'broken' })
class Broken {
  value = 0;

  constructor() {
    throw new Error('a bean that cannot be made');
  }
}

type Make = () => unknown;

/** Values that come back as they were. */
export const kept: Readonly<Record<string, Make>> = {
  'B50 NaN, infinities and -0': () => [NaN, Infinity, -Infinity, -0],
  'B51 undefined': () => ({ a: undefined }),
  'B52 a Date': () => new Date(86_400_000),
  'B53 Map, Set, BigInt and bytes': () => [new Map([[1, new Set(['a'])]]), 10n ** 30n, Buffer.from('ab')],
};

const shared = { a: 1 };

/** Values that are refused with the commit; what is stored stays. */
export const refused: Readonly<Record<string, Make>> = {
  'B51 a hole in a list': () => [1, , 3], // oxlint-disable-line no-sparse-arrays
  'B52 an invalid Date': () => new Date(NaN),
  'B53 a URL': () => new URL('http://a.test/'),
  'B53 a RegExp': () => /x/,
  'B54 a cycle': () => {
    const cycle: Record<string, unknown> = {};
    return (cycle['self'] = cycle);
  },
  'B55 an instance of another class': () => CartItem.of('tea', 1, 350),
  'B56 a function': () => () => 1,
  'B56 a symbol': () => Symbol('x'),
  'B56 a promise': () => Promise.resolve(1),
  'B56 a stream': () => Readable.from(['x']),
  'B57 a getter that throws': () => ({
    get value() {
      throw new Error('a getter that throws');
    },
  }),
  'B57 a toJSON that throws': () => ({
    toJSON() {
      throw new Error('a toJSON that throws');
    },
  }),
  'B57 a proxy that throws': () =>
    new Proxy(
      {},
      {
        ownKeys() {
          throw new Error('a proxy that throws');
        },
      },
    ),
  'B58 ten megabytes': () => 'x'.repeat(10_000_000),
  'B58 a list of a million': () => Array.from({ length: 1_000_000 }, () => 0),
};

/** Ways to answer; each has counted to one with its first byte. */
export const ways = ['value', 'send', 'end', 'redirect', 'file', 'sse', 'twice'] as const;

interface FrameworkResponse {
  readonly raw?: import('node:http').ServerResponse;
  send(body: string): unknown;
  hijack?(): unknown;
}

function rawOf(response: FrameworkResponse): import('node:http').ServerResponse {
  response.hijack?.();
  return response.raw ?? (response as unknown as import('node:http').ServerResponse);
}

/** The application's own code runs on after the response, or keeps what it had. */
let keptPart: { count: number } | undefined;

@Controller('bag')
class BagController {
  constructor(
    private readonly bag: Bag,
    private readonly broken: Broken,
    private readonly session: HttpSession,
  ) {}

  @Get() show(): string {
    return inspect(this.bag.value, { depth: 5 });
  }

  @Get('count') count(): string {
    return `count=${this.bag.count}`;
  }

  @Post('put/:title') put(@Param('title') title: string): string {
    const make = kept[title] ?? refused[title];
    if (!make) throw new BadRequestException();
    this.bag.value = make();
    return inspect(this.bag.value, { depth: 5 });
  }

  /** B54 */
  @Post('share') share(): void {
    this.bag.value = [shared, shared];
  }

  /** B61 */
  @Post('broken') break(): void {
    this.broken.value++;
  }

  /** B62: the next request changes what this one has kept. */
  @Post('keep') keep(): void {
    this.bag.value = { count: 1 };
    keptPart = this.bag.value as { count: number };
  }

  @Post('use-kept') useKept(): void {
    if (keptPart) keptPart.count = 99;
  }

  /** B63 */
  @Post('late') late(@Res() response: FrameworkResponse): void {
    rawOf(response).on('finish', () => {
      try {
        this.bag.count = 99;
      } catch (error) {
        lateError = error;
      }
    });
    rawOf(response).end('ok');
  }

  /** B67 */
  @Post('logout-write') async logoutAndWrite(): Promise<void> {
    await this.session.invalidate();
    this.bag.count = 5;
  }

  @Post('write-logout') async writeAndLogout(): Promise<void> {
    this.bag.count = 5;
    await this.session.invalidate();
  }

  @Post('renew-twice') async renewTwice(): Promise<void> {
    this.session.renewId();
    await this.session.flush();
    this.session.renewId();
  }

  @Post('renew-logout') async renewAndLogout(): Promise<void> {
    this.session.renewId();
    await this.session.invalidate();
  }

  /** B68 */
  @Post('parallel') async parallel(): Promise<void> {
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        await Promise.resolve();
        this.bag.count++;
        await this.session.flush();
      }),
    );
  }

  // B64 to B66: ways to answer.

  @Get('value') value(): string {
    return `count=${++this.bag.count}`;
  }

  @Get('send') send(@Res() response: FrameworkResponse): void {
    response.send(this.value());
  }

  @Get('end') end(@Res() response: FrameworkResponse): void {
    rawOf(response).end(this.value());
  }

  @Get('redirect') @Redirect('/ping') redirect(): void {
    this.bag.count++;
  }

  @Get('file') file(): StreamableFile {
    return new StreamableFile(Buffer.from(this.value()));
  }

  @Sse('sse') sse() {
    return of<MessageEvent>({ data: this.value() });
  }

  @Get('twice') twice(@Res() response: FrameworkResponse): void {
    const raw = rawOf(response);
    raw.setHeader('Set-Cookie', ['a=1', 'b=2']);
    raw.end(this.value());
    raw.end();
  }
}

let lateError: unknown;

/** The error that code got which changed a bean after the response. */
export function takeLateError(): unknown {
  const error = lateError;
  lateError = undefined;
  return error;
}

/** What an application with such beans adds to the sample. */
export const badBeans: ModuleMetadata = {
  imports: [SessionModule.forFeature([Bag, Broken])],
  controllers: [BagController],
};
