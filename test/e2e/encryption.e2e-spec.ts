import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  type SessionModuleOptions,
  SessionScoped,
  type SessionStore,
} from 'nestjs-session-beans';
import type { LoadResult, SessionChange, StoredPart } from 'nestjs-session-beans/store-kit';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { Redis } from 'ioredis';
import { Client } from '../support/client.js';
import { CountController, Counter } from '../support/counter.js';
import { CountingStore } from '../support/counting-store.js';
import { adapters, startApplication } from '../support/platforms.js';
import { RedisServer } from '../support/redis-server.js';

const [OLD, NEW] = [randomBytes(32), randomBytes(32)] as const;

@SessionScoped({ name: 'diary' })
class Diary {
  entries: string[] = [];
}

@Controller()
class DiaryController {
  constructor(
    private readonly diary: Diary,
    private readonly counter: Counter,
    private readonly session: HttpSession,
  ) {}

  @Post('write/:text')
  write(@Param('text') text: string): void {
    this.diary.entries.push(text);
    this.session.set('last', text);
    this.counter.value++;
  }

  @Get('read')
  read(): unknown {
    return { entries: this.diary.entries, last: this.session.get('last') };
  }
}

/** A store that several applications use, each with options of its own. */
class CommonStore extends CountingStore {
  constructor(inner: SessionStore) {
    super(inner, { shared: true });
  }

  override async close(): Promise<void> {
    // Another application goes on with it.
  }
}

/** Once told to, it answers with the diary of another session. */
class SwappingStore extends CommonStore {
  isSwapping = false;
  private readonly diaries = new Map<string, StoredPart>();

  override async load(...call: Parameters<SessionStore['load']>): Promise<LoadResult> {
    const answer = await super.load(...call);
    if (answer.outcome !== 'found') return answer;
    const { key } = call[0];
    const own = answer.record.parts.get('diary');
    if (own) this.diaries.set(key, own);
    const other = [...this.diaries].find(([of]) => of !== key)?.[1];
    if (!this.isSwapping || !other) return answer;
    return { ...answer, record: { ...answer.record, parts: new Map(answer.record.parts).set('diary', other) } };
  }
}

function start(store: CountingStore, session: SessionModuleOptions, adapter: 'express' | 'fastify' = 'express') {
  const beans = [Diary, Counter];
  return startApplication({ adapter, beans, controllers: [DiaryController, CountController], session, store });
}

describe.each(adapters)('with encryptionKeys, $adapter,', ({ adapter }) => {
  it('a store never sees what beans and attributes hold, and clients notice nothing', async () => {
    const seen: string[] = [];
    const store = new CommonStore(new MemorySessionStore());
    store.before = (operation, argument) => {
      if (operation !== 'save') return;
      for (const [name, { payload }] of (argument as SessionChange).parts) seen.push(`${name} ${payload}`);
    };
    const server = await start(store, { encryptionKeys: [OLD] }, adapter);
    const client = new Client(server.app);
    for (const text of ['sunshine', 'rainfall']) await client.post(`/write/${text}`);
    expect((await client.get('/read')).body).toEqual({ entries: ['sunshine', 'rainfall'], last: 'rainfall' });
    expect(seen.filter((line) => line.startsWith('diary '))).toHaveLength(2);
    expect(seen.every((line) => / e1[A-Za-z0-9_-]+$/.test(line))).toBe(true);
    expect(seen.join()).not.toMatch(/sunshine|rainfall/);
    await server.close();
  });
});

describe('with encryptionKeys, on Redis,', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());

  it.each([undefined, { mode: 'bounded' }] as const)(
    'nothing readable is stored, near cache: %j',
    async (nearCache) => {
      const inner = new RedisSessionStore({ url: redis.url });
      const options = { encryptionKeys: [OLD], ...(nearCache && { nearCache }) };
      const server = await start(new CountingStore(inner), options);
      const client = new Client(server.app);
      // The second and third saves are made from the copy that came with the one before, and leave other beans alone.
      await client.post('/write/sunshine');
      for (const counted of ['2', '3']) expect(await client.text('/')).toBe(counted);
      const connection = new Redis(redis.url);
      const stored = await Promise.all((await connection.keys('*')).map((key) => connection.get(key)));
      await connection.quit();
      expect(stored.join()).toMatch(/e1[A-Za-z0-9_-]{40}/);
      expect(stored.join()).not.toMatch(/sunshine|"value"/);
      expect((await client.get('/read')).body).toEqual({ entries: ['sunshine'], last: 'sunshine' });
      await server.close();
    },
  );
});

describe('encrypted sessions', () => {
  it.each([
    [undefined, 500],
    ['reset', 200],
  ] as const)(
    'are not swapped by somebody who writes to the store (onUndecodable: %s)',
    async (onUndecodable, status) => {
      const store = new SwappingStore(new MemorySessionStore());
      const server = await start(store, {
        encryptionKeys: [OLD],
        ...(onUndecodable && { onUndecodable }),
      });
      const [alice, bob] = [new Client(server.app), new Client(server.app)];
      await alice.post('/write/hers');
      await bob.post('/write/his');
      await alice.get('/read');
      store.isSwapping = true;
      const answer = await bob.get('/read');
      expect(answer.status).toBe(status);
      expect(answer.text).not.toContain('hers');
      expect(await bob.text('/')).toBe('2');
      await server.close();
    },
  );

  it('B45 are neither shown nor overwritten by a server without their key, not even with reset', async () => {
    const store = new CommonStore(new MemorySessionStore());
    const first = await start(store, { encryptionKeys: [OLD] });
    const client = new Client('');
    await client.post(`${first.url}/write/text`);
    for (const session of [{}, { encryptionKeys: [NEW] }] satisfies SessionModuleOptions[]) {
      const other = await start(store, { ...session, onUndecodable: 'reset' });
      expect((await client.post(`${other.url}/write/lost`)).status).toBe(500);
      await other.close();
    }
    expect((await client.get(`${first.url}/read`)).body).toEqual({ entries: ['text'], last: 'text' });
    await first.close();
  });

  it('are read where plain ones lie in the store, only if the list says plain', async () => {
    const store = new CommonStore(new MemorySessionStore());
    const before = await start(store, {});
    const client = new Client('');
    await client.post(`${before.url}/write/text`);
    const strict = await start(store, { encryptionKeys: [OLD] });
    expect((await client.get(`${strict.url}/read`)).status).toBe(500);
    const both = await start(store, { encryptionKeys: [OLD, 'plain'] });
    expect((await client.post(`${both.url}/write/more`)).status).toBe(201);
    expect((await client.get(`${strict.url}/read`)).body).toEqual({ entries: ['text', 'more'], last: 'more' });
    for (const server of [before, strict, both]) await server.close();
  });
});
