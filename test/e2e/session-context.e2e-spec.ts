import type { IncomingMessage } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Injectable, Param, Post, Req, Scope } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import {
  HttpSession,
  SessionContext,
  SessionContextNotActiveError,
  SessionEndedError,
  type SessionHandle,
  SessionModule,
  SessionResponseCommittedError,
  SessionScoped,
  SessionStateError,
} from 'nestjs-session-beans';
import { ManualClock } from 'nestjs-session-beans/testing';
import { Client } from '../support/client.js';
import { Counter } from '../support/counter.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'notes' })
class Notes {
  text = '';
}

/** Lives for one request, or for one piece of work. */
@Injectable({ scope: Scope.REQUEST })
class Secretary {
  constructor(
    readonly notes: Notes,
    readonly counter: Counter,
  ) {}
}

/** What a handler does with another session, or with its own, while it runs. */
let inHandler: (own: HttpSession, request: IncomingMessage) => Promise<unknown> = async () => undefined;

@Controller()
class WorkController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get() read(): object {
    return { count: this.counter.value, handle: this.session.handle ?? 'none' };
  }

  @Post('count') count(): object {
    this.counter.value++;
    this.session.start();
    return { handle: this.session.handle };
  }

  @Post('login/:user') login(@Param('user') user: string): Promise<void> {
    return this.session.login(user);
  }

  @Post('work')
  async work(@Req() request: IncomingMessage): Promise<object> {
    this.counter.value++;
    const result = await inHandler(this.session, request);
    return { count: this.counter.value, result: result ?? 'nothing' };
  }
}

describe.each(adapters)('SessionContext.run(), $adapter,', ({ adapter }) => {
  const clock = new ManualClock();
  let server: TestApplication;
  let sessions: SessionContext;
  let session: HttpSession;
  let counter: Counter;
  beforeEach(async () => {
    server = await startApplication({
      adapter,
      beans: [Counter],
      imports: [SessionModule.forFeature([Notes], { scope: Scope.REQUEST })],
      controllers: [WorkController],
      providers: [Secretary],
      session: { clock, unjoinedTimeoutMs: 10_000 },
    });
    sessions = server.app.get(SessionContext);
    session = server.app.get(HttpSession);
    counter = server.app.get(Counter);
  });
  afterEach(() => server.close());

  /** A client that has counted to 1, and the handle of its session. */
  const newClient = async (): Promise<{ client: Client; handle: SessionHandle; headers: { cookie: string } }> => {
    const client = new Client(server.app);
    const { body } = await client.post('/count');
    await client.get('/');
    return { client, handle: (body as { handle: SessionHandle }).handle, headers: { cookie: client.cookie } };
  };
  const countOf = async (client: Client): Promise<unknown> => ((await client.get('/')).body as { count: number }).count;

  it('gives the work the session, and beans that answer for it', async () => {
    const { handle } = await newClient();
    expect(sessions.isActive).toBe(false);
    const seen = await sessions.run(handle, async (own) => {
      await nextTurn();
      return [own.handle, session.handle, counter.value, sessions.isActive, own.exists, own.isNew];
    });
    expect(seen).toEqual([handle, handle, 1, true, true, false]);
    expect(() => counter.value).toThrow(SessionContextNotActiveError);
  });

  it('costs two calls of the store: one to load, one to store, and that only if something has changed', async () => {
    const { handle } = await newClient();
    server.store.reset();
    await sessions.run(handle, () => counter.value);
    expect(server.store.calls).toEqual({ load: 1, save: 0, touch: 0, destroy: 0 });
    await sessions.run(handle, () => void counter.value++);
    expect(server.store.calls).toEqual({ load: 2, save: 1, touch: 0, destroy: 0 });
  });

  it('stores what is set, and waits for promises of the session that the work forgot', async () => {
    const { client, handle } = await newClient();
    await sessions.run(handle, (own) => {
      own.set('theme', 'dark');
      void own.runExclusive(async () => {
        await nextTurn();
        counter.value = 7;
      });
    });
    expect(await countOf(client)).toBe(7);
    expect(await sessions.run(handle, (own) => own.get('theme'))).toBe('dark');
  });

  describe.each<[string, (headers: { cookie: string }) => Parameters<SessionContext['run']>[0]]>([
    ['of Node', ({ cookie }) => ({ headers: { cookie } })],
    ['as somebody writes them', ({ cookie }) => ({ headers: { Cookie: cookie } as Record<string, string> })],
    ['of fetch', ({ cookie }) => ({ headers: new Headers({ cookie }) })],
  ])('opens the session of a request by its headers, %s,', (_what, sourceOf) => {
    it('and stores what the work has changed', async () => {
      const { client, headers, handle } = await newClient();
      expect(await sessions.run(sourceOf(headers), (own) => own.handle)).toBe(handle);
      await sessions.run(sourceOf(headers), () => void counter.value++);
      expect(await countOf(client)).toBe(2);
    });

    it('and refuses a change where there is none, which the work can ask for', async () => {
      const nobody = sourceOf({ cookie: 'theme=dark' });
      expect(await sessions.run(nobody, (own) => [own.exists, own.principal, counter.value])).toEqual([
        false,
        undefined,
        0,
      ]);
      await expect(sessions.run(nobody, () => void counter.value++)).rejects.toBeInstanceOf(
        SessionResponseCommittedError,
      );
      expect(server.store.calls.save).toBe(0);
    });
  });

  it('takes no plain cookie from a request that came over TLS', async () => {
    const { headers } = await newClient();
    const exists = (source: object): Promise<boolean> =>
      sessions.run({ headers, ...source }, (own: HttpSession) => own.exists);
    expect(await exists({})).toBe(true);
    expect(await exists({ protocol: 'https' })).toBe(false);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty text', ''],
    ['a cookie', `sid=${'a'.repeat(65)}`],
    ['an object without headers', {}],
    ['headers that are none', { headers: 'sid=1' }],
  ])('refuses %s as a source, and does not show it', async (_what, source) => {
    const refused = sessions.run(source as SessionHandle, () => undefined);
    await expect(refused).rejects.toBeInstanceOf(SessionStateError);
    await expect(refused).rejects.not.toThrow('sid=');
  });

  it.each<[string, (own: HttpSession) => unknown]>([
    ['login', (own) => own.login('ann')],
    ['renewId', (own) => own.renewId()],
  ])('refuses %s(), whose new id no response could bring to the client', async (name, use) => {
    const { client, handle } = await newClient();
    const refused = sessions.run(handle, async (own) => {
      counter.value++;
      await use(own);
    });
    await expect(refused).rejects.toThrow(`HttpSession.${name} needs a new session id`);
    await expect(refused).rejects.toBeInstanceOf(SessionResponseCommittedError);
    expect(await countOf(client)).toBe(1);
  });

  it('starts no session after logout(), where beans begin anew', async () => {
    const { client, handle } = await newClient();
    const refused = sessions.run(handle, async (own) => {
      await own.logout();
      expect([own.exists, counter.value]).toEqual([false, 0]);
      counter.value++;
    });
    await expect(refused).rejects.toBeInstanceOf(SessionResponseCommittedError);
    await expect(sessions.run(handle, () => undefined)).rejects.toBeInstanceOf(SessionEndedError);
    expect(await countOf(client)).toBe(0);
  });

  it('refuses code that goes on when the work is over', async () => {
    const { handle } = await newClient();
    const late = new Latch();
    let error: unknown;
    const goesOn = await sessions.run(handle, () => {
      const code = late.opened.then(() => counter.value++).catch((failure: unknown) => (error = failure));
      return { code };
    });
    late.open();
    await goesOn.code;
    expect(error).toBeInstanceOf(SessionResponseCommittedError);
    expect((error as Error).message).toContain('after the work of SessionContext.run() was over');
  });

  it('leaves it to the client to show that it keeps its id', async () => {
    const { body } = await new Client(server.app).post('/count');
    const { handle } = body as { handle: SessionHandle };
    clock.advance(9_000);
    const seen = await sessions.run(handle, () => sessions.run(handle, () => counter.value));
    expect(seen).toBe(1);
    clock.advance(11_000);
    await expect(sessions.run(handle, () => undefined)).rejects.toBeInstanceOf(SessionEndedError);
  });

  describe('in a handler', () => {
    afterEach(() => {
      inHandler = async () => undefined;
    });

    it('opens another session beside that of the request, to which the handler comes back', async () => {
      const [own, other] = [await newClient(), await newClient()];
      inHandler = (mine) =>
        sessions.run(other.handle, async (theirs) => {
          counter.value += 10;
          await nextTurn();
          return [theirs.handle, mine.handle];
        });
      const { body } = await own.client.post('/work');
      expect(body).toEqual({ count: 2, result: [other.handle, other.handle] });
      expect([await countOf(own.client), await countOf(other.client)]).toEqual([2, 11]);
    });

    it('opens its own session for a unit of work of its own, which sees what is stored', async () => {
      const { client, handle } = await newClient();
      inHandler = async () => {
        const seen = await sessions.run(handle, () => counter.value);
        return [seen, counter.value];
      };
      expect((await client.post('/work')).body).toEqual({ count: 2, result: [1, 2] });
      inHandler = async (own) => {
        await own.flush();
        return sessions.run(handle, () => counter.value);
      };
      expect((await client.post('/work')).body).toEqual({ count: 3, result: 3 });
    });

    it('refuses the handler when both have changed the same field', async () => {
      const { client, handle } = await newClient();
      inHandler = () => sessions.run(handle, () => void (counter.value += 10));
      expect((await client.post('/work')).status).toBe(409);
      expect(await countOf(client)).toBe(11);
    });

    it('stores what the work has done, though the request fails', async () => {
      const [own, other] = [await newClient(), await newClient()];
      inHandler = async () => {
        await sessions.run(other.handle, () => void counter.value++);
        throw new Error('of the handler');
      };
      expect((await own.client.post('/work')).status).toBe(500);
      expect(await countOf(other.client)).toBe(2);
    });

    it('refuses the request with the error of its own session only', async () => {
      const [own, other] = [await newClient(), await newClient()];
      inHandler = async () => {
        const work = sessions.run(other.handle, async (theirs) => {
          await sessions.run(other.handle, (same) => same.logout());
          theirs.set('late', true);
        });
        return work.catch((error: Error) => error.constructor.name);
      };
      const answer = await own.client.post('/work');
      expect([answer.status, answer.body]).toEqual([201, { count: 2, result: 'SessionEndedError' }]);
    });
  });

  describe('with providers of Nest that live for one request', () => {
    const resolve = (contextId = ContextIdFactory.create()): Promise<Secretary> =>
      server.app.get(ModuleRef).resolve(Secretary, contextId, { strict: false });

    it('makes them for its session, and stores what they do with their beans', async () => {
      const [ann, bob] = [await newClient(), await newClient()];
      const write = (handle: SessionHandle, text: string): Promise<void> =>
        sessions.run(handle, async () => {
          const { notes, counter: proxy } = await resolve();
          await nextTurn();
          notes.text += text;
          proxy.value++;
        });
      await Promise.all([write(ann.handle, 'ann'), write(bob.handle, 'bob')]);
      await write(ann.handle, '!');
      const read = (handle: SessionHandle): Promise<string> =>
        sessions.run(handle, async () => (await resolve()).notes.text);
      expect([await read(ann.handle), await read(bob.handle)]).toEqual(['ann!', 'bob']);
      expect([await countOf(ann.client), await countOf(bob.client)]).toEqual([3, 2]);
    });

    it('gives the same one to those who ask with one context id', async () => {
      const { handle } = await newClient();
      const isSame = await sessions.run(handle, async () => {
        const contextId = ContextIdFactory.create();
        return (await resolve(contextId)).notes === (await resolve(contextId)).notes;
      });
      expect(isSame).toBe(true);
    });

    it('makes those of the request around it for that', async () => {
      const [own, other] = [await newClient(), await newClient()];
      inHandler = (_own, request) =>
        sessions.run(other.handle, async () => {
          const contextId = ContextIdFactory.create();
          server.app.get(ModuleRef).registerRequestByContextId(request, contextId);
          (await resolve(contextId)).notes.text = 'of the request';
          (await resolve()).notes.text = 'of the work';
        });
      await own.client.post('/work');
      const read = (handle: SessionHandle): Promise<string> =>
        sessions.run(handle, async () => (await resolve()).notes.text);
      expect([await read(own.handle), await read(other.handle)]).toEqual(['of the request', 'of the work']);
      inHandler = async () => undefined;
    });

    it('refuses them outside', async () => {
      await expect(resolve()).rejects.toBeInstanceOf(SessionContextNotActiveError);
    });
  });
});
