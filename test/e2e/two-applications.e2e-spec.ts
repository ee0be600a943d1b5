import { describe, expect, it } from '@jest/globals';
import { type INestApplication, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { MemorySessionStore, SESSION_STORE, SessionModule, type SessionStore } from 'nestjs-session-beans';
import { CountController, Counter } from '../support/counter.js';
import { INTERCEPTORS_METADATA } from '@nestjs/common/constants.js';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { platforms, startApplication } from '../support/platforms.js';

describe.each(platforms)(
  'R23 two applications in one process with the same classes, $adapter, $mode,',
  ({ adapter, scope }) => {
    it('keep their sessions apart and store once', async () => {
      const [first, second] = [
        await startApplication({ adapter, scope, beans: [Counter], controllers: [CountController] }),
        await startApplication({ adapter, scope, beans: [Counter], controllers: [CountController] }),
      ];
      // One client whose cookie both get: they have the same name.
      const client = new Client('');
      expect(await client.text(first.url)).toBe('1');
      expect(await client.text(second.url)).toBe('1');
      const other = new Client(first.app);
      for (let i = 1; i <= 3; i++) expect(await other.text('/')).toBe(`${i}`);
      expect(first.store.calls.save).toBe(4);
      expect(second.store.calls.save).toBe(1);
      // Both share the class, so that the interceptor on it is bound once.
      const bound = (Reflect.getMetadata(INTERCEPTORS_METADATA, CountController) ?? []) as unknown[];
      expect(bound.length).toBeLessThanOrEqual(1);
      await first.close();
      expect(await new Client(second.app).text('/')).toBe('1');
      await second.close();
    });
  },
);

describe('two applications of one module class, whose option store is a function,', () => {
  const made: ClosableStore[] = [];

  /** As a connection is: once it was closed, it is of no use. */
  class ClosableStore extends CountingStore {
    constructor() {
      super(new MemorySessionStore());
      made.push(this);
    }

    override async close(): Promise<void> {
      await super.close();
      this.before = () => Promise.reject(new Error('the store was closed'));
    }
  }

  async function start(module: typeof SyncModule): Promise<INestApplication> {
    const testing = await Test.createTestingModule({ imports: [module] }).compile();
    const app = testing.createNestApplication({ logger: false });
    await app.listen(0, '127.0.0.1');
    return app;
  }

  const metadata = { controllers: [CountController] };

  @Module({
    imports: [SessionModule.forRoot({ store: () => new ClosableStore() }), SessionModule.forFeature([Counter])],
    ...metadata,
  })
  class SyncModule {}

  @Module({
    imports: [
      SessionModule.forRootAsync({ useFactory: async () => ({ store: async () => new ClosableStore() }) }),
      SessionModule.forFeature([Counter]),
    ],
    ...metadata,
  })
  class AsyncModule {}

  it.each([
    ['forRoot', SyncModule],
    ['forRootAsync', AsyncModule],
  ])('have a store each with %s, opened and closed with its application', async (_, module) => {
    made.length = 0;
    const apps = [await start(module), await start(module)] as const;
    expect(made).toHaveLength(2);
    expect(apps.map((app) => app.get<SessionStore>(SESSION_STORE))).toEqual(made);
    const client = new Client('');
    for (const app of apps) expect(await client.text(await app.getUrl())).toBe('1');
    await apps[0].close();
    expect(await client.text(await apps[1].getUrl())).toBe('2');
    await apps[1].close();

    const third = await start(module);
    expect(await new Client(third).text('/')).toBe('1');
    expect(made).toHaveLength(3);
    await third.close();
  });
});
