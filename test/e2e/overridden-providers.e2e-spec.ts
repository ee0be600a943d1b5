import { afterEach, describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  MemorySessionStore,
  SESSION_CLOCK,
  SESSION_MODULE_OPTIONS,
  SESSION_STORE,
  SessionConfigurationError,
  SessionModule,
  type SessionStore,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Client, setCookies } from '../support/client.js';
import { CountController, Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';

const MINUTE = 60_000;

const refused = () => Promise.reject(new Error('the store was not replaced'));

/** The store of the application itself, which a test replaces. */
const unused = Object.assign(new MemorySessionStore(), { load: refused, save: refused, open: refused, close: refused });

@Module({
  imports: [SessionModule.forRoot({ store: unused }), SessionModule.forFeature([Counter])],
  controllers: [CountController],
})
class AppModule {}

@Module({ imports: [SessionModule.forRoot(), SessionModule.forFeature([Counter])], controllers: [CountController] })
class DefaultStoreModule {}

/** Notes when it is opened and closed. */
class OpenedStore extends CountingStore {
  readonly seen: string[] = [];

  override async open(): Promise<void> {
    this.seen.push('open');
  }

  override async close(): Promise<void> {
    this.seen.push('close');
    await super.close();
  }
}

describe('a test replaces with overrideProvider()', () => {
  let app: INestApplication | undefined;
  afterEach(async () => {
    await app?.close();
    app = undefined;
  });

  async function start(builder: TestingModuleBuilder): Promise<Client> {
    app = (await builder.compile()).createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    return new Client(app);
  }

  const of = (module: unknown) => Test.createTestingModule({ imports: [module as never] });

  it('the store: all of the application uses the other one, which is opened and closed with it', async () => {
    const store = new OpenedStore(new MemorySessionStore());
    const client = await start(of(AppModule).overrideProvider(SESSION_STORE).useValue(store));

    expect(await client.text('/')).toBe('1');
    expect(await client.text('/')).toBe('2');
    expect(store.calls).toMatchObject({ save: 2, load: 1 });
    expect(app?.get<SessionStore>(SESSION_STORE)).toBe(store);

    expect(store.seen).toEqual(['open']);
    await app?.close();
    app = undefined;
    expect(store.seen).toEqual(['open', 'close']);
  });

  it('the store, with one that cannot do what the options ask of it: the application does not start', async () => {
    @Module({ imports: [SessionModule.forRoot({ nodeName: 's1' })] })
    class NamedModule {}
    const locating = Object.assign(new MemorySessionStore(), { locates: true });

    const boot = of(NamedModule).overrideProvider(SESSION_STORE).useValue(locating).compile();

    await expect(boot).rejects.toThrow(SessionConfigurationError);
    await expect(boot).rejects.toThrow('nodeName = "s1": allowed is no value with store memory');
  });

  it('the clock: the default store and the sessions of this server follow it', async () => {
    const clock = new ManualClock();
    const client = await start(of(DefaultStoreModule).overrideProvider(SESSION_CLOCK).useValue(clock));

    expect([await client.text('/'), await client.text('/')]).toEqual(['1', '2']);
    clock.advance(29 * MINUTE);
    expect(await client.text('/')).toBe('3');
    clock.advance(31 * MINUTE);
    expect(await client.text('/')).toBe('1');
  });

  it('the options: they are checked as those that it replaces', async () => {
    const client = await start(
      of(AppModule)
        .overrideProvider(SESSION_MODULE_OPTIONS)
        .useValue({ cookie: { name: 'mine' } }),
    );
    expect(setCookies(await client.get('/'))[0]).toMatch(/^mine=/);

    const boot = of(AppModule).overrideProvider(SESSION_MODULE_OPTIONS).useValue({ idleTimeoutMs: 0 }).compile();
    await expect(boot).rejects.toThrow('SessionModule option idleTimeoutMs = 0');
  });
});
