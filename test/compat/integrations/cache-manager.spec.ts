import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { CacheInterceptor, CacheKey, CacheModule } from '@nestjs/cache-manager';
import {
  Controller,
  type ExecutionContext,
  Get,
  Inject,
  Injectable,
  Logger,
  Post,
  type Type,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { HttpSession, ReadOnlySession } from 'nestjs-session-beans';
import { Client } from '../../support/client.js';
import { Counter } from '../../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../../support/platforms.js';
import { reportedRisks } from '../../support/reported-risks.js';

/** As in docs/compatibility.md. */
@Injectable()
class CachePerSession extends CacheInterceptor {
  @Inject() private readonly session!: HttpSession;

  protected override async trackBy(context: ExecutionContext): Promise<string | null | undefined> {
    const { handle } = this.session;
    const address = await super.trackBy(context);
    return handle && address && `${handle} ${address}`;
  }
}

const news = { read: 0 };

@UseInterceptors(CacheInterceptor)
@Controller('news')
class NewsController {
  @Get() read(): string {
    return `read ${++news.read}`;
  }
}

@UseInterceptors(CachePerSession)
@Controller('mine')
class PrivateController {
  @Inject() private readonly counter!: Counter;

  @ReadOnlySession() @Get() read(): string {
    return `n=${this.counter.value}`;
  }

  @Post() add(): void {
    this.counter.value++;
  }
}

@Controller('shared')
class SharedController {
  @Inject() private readonly counter!: Counter;

  @Get() value(): number {
    return this.counter.value;
  }

  @CacheKey('text') @Post('text') withText(): number {
    return this.counter.value;
  }

  @CacheKey(() => 'what the application wants') @Get('function') withFunction(): number {
    return this.counter.value;
  }

  @Post() add(): number {
    return ++this.counter.value;
  }
}

describe.each(adapters)('CacheInterceptor of @nestjs/cache-manager, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let warned: jest.SpiedFunction<Logger['warn']>;
  const start = async (controllers: Type[], isGlobal = false): Promise<void> => {
    const providers = isGlobal ? [{ provide: APP_INTERCEPTOR, useClass: CacheInterceptor }] : [];
    const imports = [CacheModule.register()];
    server = await startApplication({ adapter, beans: [Counter], imports, controllers, providers });
  };
  beforeEach(() => {
    warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  });
  afterEach(async () => {
    await server.close();
    jest.restoreAllMocks();
  });

  it('is warned of at boot where it would keep the answers of one session for the others', async () => {
    await start([NewsController, PrivateController, SharedController], true);
    expect(reportedRisks(warned)).toEqual([
      expect.stringMatching(/ of PrivateController\.read, SharedController\.value, SharedController\.withText by /),
    ]);
  });

  it('keeps the answers of handlers without a session for everybody, and loads none', async () => {
    await start([NewsController]);
    const first = await new Client(server.app).text('/news');
    expect(await new Client(server.app).text('/news')).toBe(first);
    expect(server.store.total).toBe(0);
  });

  it('keeps answers for one session each where its key names the session', async () => {
    await start([PrivateController]);
    expect(reportedRisks(warned)).toEqual([]);
    const read = async (client: Client): Promise<string> => {
      const { text, headers } = await client.get('/mine');
      return `${text} ${headers['x-cache'] ?? 'not kept'}`;
    };
    const [ann, bob, nobody] = [new Client(server.app), new Client(server.app), new Client(server.app)];
    await ann.post('/mine');
    for (const _ of [1, 2]) await bob.post('/mine');
    expect([await ann.text('/mine'), await bob.text('/mine')]).toEqual(['n=1', 'n=2']);
    expect([await read(ann), await read(bob)]).toEqual(['n=1 HIT', 'n=2 HIT']);
    for (const _ of [1, 2]) expect(await read(nobody)).toBe('n=0 not kept');
  });
});
