import cluster from 'node:cluster';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  All,
  type CallHandler,
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Logger,
  type NestInterceptor,
  Post,
  Session,
  SetMetadata,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import {
  CurrentSession,
  HttpSession,
  MemorySessionStore,
  SessionDoctor,
  type SessionModuleOptions,
  SessionScoped,
} from 'nestjs-session-beans';
import { fromExpressSessionStore } from 'nestjs-session-beans/express-session';
import type { Observable } from 'rxjs';
import { Client } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplicationOptions, startApplication } from '../support/platforms.js';
import { reportedRisks } from '../support/reported-risks.js';

/** As in `@nestjs/cache-manager`, as far as it is known by: its name, and the method that gives the key. */
@Injectable()
class CacheInterceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle();
  }

  protected trackBy(context: ExecutionContext): string {
    return context.switchToHttp().getRequest<{ url: string }>().url;
  }
}

@Injectable()
class CachePerUser extends CacheInterceptor {
  protected override trackBy(): string {
    return 'the user';
  }
}

@Injectable()
class CacheWithLog extends CacheInterceptor {}

@Controller('counts')
class CountController {
  @Inject() private readonly counter!: Counter;

  @UseInterceptors(CacheInterceptor) @Get('cached') cached(): number {
    return this.counter.value;
  }

  @UseInterceptors(CacheWithLog) @Get('logged') logged(): number {
    return this.counter.value;
  }

  @UseInterceptors(CachePerUser) @Get('per-user') perUser(): number {
    return this.counter.value;
  }

  @SetMetadata('cache_module:cache_key', () => 'the user')
  @UseInterceptors(CacheInterceptor)
  @Get('own-key')
  ownKey(): number {
    return this.counter.value;
  }

  @UseInterceptors(CacheInterceptor) @Post('posted') posted(): number {
    return this.counter.value;
  }

  @Post('changed') changed(): number {
    return ++this.counter.value;
  }

  @Get('plain') plain(): number {
    return this.counter.value;
  }

  @Get('more1') more1(): number {
    return this.counter.value;
  }

  @Get('more2') more2(): number {
    return this.counter.value;
  }
}

/** As `@CacheKey()` of `@nestjs/cache-manager`. */
const CacheKey = (key: unknown): MethodDecorator => SetMetadata('cache_module:cache_key', key);

@UseInterceptors(CacheInterceptor)
@Controller('keys')
class KeyController {
  @Inject() private readonly counter!: Counter;

  @CacheKey('count') @Post('fixed') fixed(): number {
    return this.counter.value;
  }

  @All('all') all(): number {
    return this.counter.value;
  }

  @Post('posted') posted(): number {
    return this.counter.value;
  }

  @CacheKey(() => 'the user') @Get('of-user') ofUser(): number {
    return this.counter.value;
  }
}

@UseInterceptors(CacheInterceptor)
@Controller('public')
class PublicController {
  @Get() news(): string {
    return 'news';
  }
}

@Controller('sessions')
class SessionController {
  @Get('theirs') theirs(@Session() session: HttpSession): string {
    return typeof session;
  }

  @Get('other') other(@Session() session: Record<string, unknown>): string {
    return typeof session;
  }

  @Get('ours') ours(@CurrentSession() session: HttpSession): string {
    return typeof session;
  }
}

describe('the boot report of risky settings', () => {
  let warned: jest.SpiedFunction<Logger['warn']>;
  beforeEach(() => {
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    delete process.env['instances'];
  });
  const boot = async (
    controllers: Type[],
    more: Partial<TestApplicationOptions> = {},
    session: SessionModuleOptions = {},
  ): Promise<readonly string[]> => {
    const server = await startApplication({ adapter: 'express', beans: [Counter], controllers, session, ...more });
    await server.close();
    const risks = reportedRisks(warned);
    warned.mockClear();
    return risks;
  };

  it('B18 names handlers with a session whose answers are cached by address, and what to do', async () => {
    expect(await boot([CountController, PublicController])).toEqual([
      expect.stringMatching(/^cached-answers \(high\): .* CountController\.cached, CountController\.logged .* trackBy/),
    ]);
  });

  it('B18 names no handler whose answers are not kept, nor one whose key a function makes', async () => {
    expect(await boot([KeyController])).toEqual([
      expect.stringMatching(
        /^cached-answers \(high\): .* the answers of KeyController\.fixed, KeyController\.all by an/,
      ),
    ]);
  });

  it('B18 names some and counts the others where it is bound to all handlers', async () => {
    const providers = [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }];
    expect(await boot([CountController, PublicController], { providers })).toEqual([
      expect.stringMatching(/ CountController\.cached, .*CountController\.more1 and 1 more by/),
    ]);
  });

  it('names beans whose stored name a bundler has shortened, unless they have a name of their own', async () => {
    const shortened = (options?: { name: string }): Type<object> => {
      class C4 {}
      SessionScoped(options)(C4);
      return C4;
    };
    expect(await boot([], { beans: [shortened()] })).toEqual([
      expect.stringMatching(
        /^short-bean-name \(medium\): A bean is stored by .*, 'C4', .* Set @SessionScoped\(\{ name \}\)\.$/,
      ),
    ]);
    expect(await boot([], { beans: [shortened({ name: 'C4' })] })).toEqual([]);
  });

  it('B25 names handlers that take an HttpSession from @Session()', async () => {
    expect(await boot([SessionController])).toEqual([
      expect.stringMatching(/^foreign-session \(high\): SessionController\.theirs .* Use @CurrentSession\(\)\.$/),
    ]);
  });

  it('says that a store cannot keep the updates of several servers apart', async () => {
    const store = new CountingStore(fromExpressSessionStore({ get: () => undefined, set: () => undefined }));

    expect(await boot([], { store })).toEqual([
      expect.stringMatching(
        /^store-without-compare \(medium\): The store 'Object' cannot .* a change may be lost and a logout undone/,
      ),
    ]);
  });

  describe('B19', () => {
    const severalWarned = [expect.stringMatching(/one of several .* store 'memory' .* Set a store/)];

    it('says that a process of several has a memory of its own: PM2', async () => {
      process.env['instances'] = '4';
      expect(await boot([CountController].slice(1))).toEqual(severalWarned);
    });

    it('the same with node:cluster', async () => {
      jest.replaceProperty(cluster, 'isWorker', true);
      expect(await boot([])).toEqual(severalWarned);
    });

    it('says nothing of one process, of a store that is shared, nor where the cookie names the process', async () => {
      process.env['instances'] = '1';
      expect(await boot([])).toEqual([]);
      process.env['instances'] = '4';
      const memory = new MemorySessionStore();
      expect(await boot([], { store: new CountingStore(memory, { ...memory, shared: true }) })).toEqual([]);
      expect(await boot([], {}, { nodeName: 's1' })).toEqual([]);
    });
  });

  describe('in production', () => {
    let environment: string | undefined;
    beforeEach(() => {
      environment = process.env['NODE_ENV'];
      process.env['NODE_ENV'] = 'production';
    });
    afterEach(() => void (process.env['NODE_ENV'] = environment));

    it.each<[string, SessionModuleOptions]>([
      ['memory-store (high): Sessions live in the memory', { store: undefined }],
      ['url-transport (high): ', { idTransport: 'url' }],
      ['short-key (medium): signingKeys[1] has 31 bytes', { signingKeys: ['k'.repeat(32), 'k'.repeat(31)] }],
    ])('says %s', async (line, session) => {
      expect(await boot([], {}, session)).toEqual([expect.stringContaining(line)]);
    });

    it('leaves out what somebody has decided, which the doctor tells', async () => {
      const store = new MemorySessionStore();
      const session: SessionModuleOptions = {
        store,
        cookie: { secure: false },
        encryptionKeys: [randomBytes(32), 'plain'],
      };
      const server = await startApplication({ adapter: 'express', session });
      const { risks, store: name } = await server.app.get(SessionDoctor).examine();
      await server.close();
      expect([name, risks.map(({ code, severity }) => `${code} ${severity}`)]).toEqual([
        'memory',
        ['memory-store low', 'plain-http low', 'plain-state low'],
      ]);
      expect(reportedRisks(warned)).toEqual([]);
    });
  });

  it('grows by what a request shows, in the log and for the doctor', async () => {
    const server = await startApplication({ adapter: 'express', controllers: [CountController], beans: [Counter] });
    const codes = async () => (await server.app.get(SessionDoctor).examine()).risks.map(({ code }) => code);
    const before = await codes();
    await new Client(server.app).agent.get('/counts/plain').set('X-Forwarded-Proto', 'https');
    expect(await codes()).toEqual(before);
    await new Client(server.app).agent.post('/counts/changed').set('X-Forwarded-Proto', 'https');
    expect(await codes()).toEqual(['untrusted-proxy', ...before].toSorted());
    await server.close();
    expect(reportedRisks(warned)).toContainEqual(expect.stringMatching(/^untrusted-proxy \(high\)/));
  });
});
