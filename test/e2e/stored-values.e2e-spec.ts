import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Delete, Get, HttpCode, Inject, Put } from '@nestjs/common';
import {
  HttpSession,
  MemorySessionStore,
  SessionEvents,
  type SessionModuleOptions,
  SessionScoped,
  SessionStateError,
  Transient,
} from 'nestjs-session-beans';
import { accessOf, type PartChange } from 'nestjs-session-beans/store-kit';
import { CountingStore } from '../support/counting-store.js';
import { Counter } from '../support/counter.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { type RawResponse, RawClient } from '../support/raw-client.js';

@SessionScoped({ name: 'notes' })
class Notes {
  text = '';
  @Transient() length = 0;

  add(): string {
    return this.text;
  }
}

@Controller()
class NotesController {
  @Inject() private readonly notes!: Notes;
  @Inject() private readonly counter!: Counter;
  @Inject() private readonly session!: HttpSession;

  @Get('notes') read(): string {
    return `text=${this.notes.text}`;
  }

  @Put('notes') write(): string {
    this.notes.text += 'x'.repeat(300);
    return 'ok';
  }

  @Get('count') count(): string {
    return `n=${++this.counter.value}`;
  }

  @Delete('session') @HttpCode(204) async end(): Promise<void> {
    await this.session.invalidate();
  }
}

const HOSTILE = [
  ['B30 nothing', ''],
  ['B30 half of it', '1{"text":'],
  ['B30 null', '1null'],
  ['B30 a list', '1[]'],
  ['B30 a number', '42'],
  ['B30 no version', '{"text":"a"}'],
  ['B30 bytes', '\u0000\u0001\ufffd'],
  ['B31 __proto__', '1{"__proto__":{"isAdmin":true}}'],
  ['B31 constructor', '1{"constructor":{"prototype":{"isAdmin":true}}}'],
  ['B33 the name of a method', '1{"add":5}'],
  ['B35 200,000 levels', `1{"text":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
] as const;

describe.each(adapters)('what somebody else put into the store, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let token: string;
  let writes = 0;
  afterEach(() => server.close());

  async function start(session: SessionModuleOptions = {}): Promise<void> {
    const store = new CountingStore(new MemorySessionStore());
    server = await startApplication({
      adapter,
      beans: [Notes, Counter],
      controllers: [NotesController],
      store,
      session,
    });
    token = (await exchange('/count')).cookies[0]?.match(/^sid=([^;]+)/)?.[1] ?? '';
  }
  const exchange = (path: string, method = 'GET'): Promise<RawResponse> =>
    RawClient.exchange(server.url, path, token ? [`Cookie: sid=${token}`] : [], method);
  const put = async (name: string, payload: string): Promise<void> => {
    const parts = new Map<string, PartChange>([[name, { base: null, payload }]]);
    const result = await server.store.inner.save({
      access: accessOf(token),
      writeId: `w${writes++}`,
      mode: 'update',
      parts,
    });
    expect(result.outcome).toBe('saved');
  };
  const stored = async (name: string): Promise<string | undefined> => {
    const result = await server.store.inner.load(accessOf(token));
    return result.outcome === 'found' ? result.record.parts.get(name)?.payload : undefined;
  };

  describe('R29 with onUndecodable reject', () => {
    beforeEach(async () => {
      token = '';
      await start();
    });

    it.each(HOSTILE)('%s is refused and kept, and the session can be ended', async (_, payload) => {
      const before = Reflect.ownKeys(Object.prototype).length;
      await put('notes', payload);
      for (const method of ['GET', 'PUT']) {
        const response = await exchange('/notes', method);
        expect(response.status).toBe(500);
        expect(JSON.parse(response.body)).toMatchObject({ statusCode: 500 });
      }
      expect(await stored('notes')).toBe(payload);
      expect((await exchange('/count')).body).toBe('n=2');
      expect(await stored('notes')).toBe(payload);
      expect(Reflect.ownKeys(Object.prototype)).toHaveLength(before);
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined();
      expect((await exchange('/session', 'DELETE')).status).toBe(204);
      expect((await exchange('/notes')).body).toBe('text=');
    });

    it('R42 B39 a newer version is refused, and carried by those that do not touch it', async () => {
      const payload = '2{"text":"new","more":1}';
      await put('notes', payload);
      expect((await exchange('/notes')).status).toBe(500);
      expect((await exchange('/count')).body).toBe('n=2');
      expect(await stored('notes')).toBe(payload);
    });

    it('R42 B32 a bean that this release does not know is carried', async () => {
      await put('of-another-release', 'not even JSON');
      expect((await exchange('/count')).body).toBe('n=2');
      expect((await exchange('/notes', 'PUT')).status).toBe(200);
      expect(await stored('of-another-release')).toBe('not even JSON');
    });
  });

  describe('with onUndecodable reset', () => {
    beforeEach(async () => {
      token = '';
      await start({ onUndecodable: 'reset' });
    });

    it.each(HOSTILE)('%s makes place for a fresh bean, and is told', async (_, payload) => {
      await put('notes', payload);
      const events: (string | undefined)[] = [];
      server.app.get(SessionEvents).on('undecodable', ({ bean }) => events.push(bean));
      expect((await exchange('/notes')).body).toBe('text=');
      expect(events).toEqual(['notes']);
      expect((await exchange('/notes', 'PUT')).status).toBe(200);
      expect((await exchange('/notes')).body).toBe(`text=${'x'.repeat(300)}`);
    });

    it('B30 a session that is damaged as a whole is none, is told, and stays as it is', async () => {
      await put('notes', '1{"text":"old"}');
      const events: (string | undefined)[] = [];
      server.app.get(SessionEvents).on('undecodable', ({ bean }) => events.push(bean));
      server.store.before = (operation) => {
        if (operation === 'load')
          throw new SessionStateError('the stored session', 'is damaged', { reason: 'undecodable' });
      };
      expect((await exchange('/notes')).body).toBe('text=');
      expect(events).toEqual([undefined]);
      server.store.before = () => undefined;
      expect(await stored('notes')).toBe('1{"text":"old"}');
    });

    it('B39 a newer version is refused all the same', async () => {
      await put('notes', '2{"text":"new"}');
      expect((await exchange('/notes')).status).toBe(500);
      expect(await stored('notes')).toBe('2{"text":"new"}');
    });
  });

  it('R31 B58 a bean that outgrows maxSessionBytes is refused, and what was stored stays', async () => {
    token = '';
    await start({ maxSessionBytes: 800 });
    expect((await exchange('/notes', 'PUT')).status).toBe(200);
    expect((await exchange('/notes', 'PUT')).status).toBe(200);
    const before = await stored('notes');
    expect((await exchange('/notes', 'PUT')).status).toBe(500);
    expect(await stored('notes')).toBe(before);
    expect((await exchange('/count')).body).toBe('n=2');
  });
});
