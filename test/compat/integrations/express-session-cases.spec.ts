import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Request, RequestHandler, Response } from 'express';
import { useRequestSession } from 'nestjs-session-beans/request-session';
import { Client, setCookies } from '../../support/client.js';
import { type TestApplication, startApplication } from '../../support/platforms.js';

// oxlint-disable-next-line typescript/no-explicit-any -- users of express-session declare their properties
type Session = Request['session'] & Record<string, any>;
type Visit = (session: Session, request: Request, response: Response) => unknown;

/**
 * What the test suite of express-session 1.19.0 asks for, under the titles of its cases, as far as it is not about its
 * own options, cookie and stores. docs/request-session.md lists the cases that differ.
 */
describe('a case of express-session', () => {
  let server: TestApplication;
  let client: Client;
  let visit: Visit;
  beforeEach(async () => {
    const handle: RequestHandler = (request, response) => void visit(request.session as Session, request, response);
    server = await startApplication({
      adapter: 'express',
      prepare: (app) => {
        useRequestSession(app);
        app.use(handle);
      },
    });
    client = new Client(server.app);
  });
  afterEach(() => server.close());

  const get = async (path = '/'): Promise<readonly [status: number, text: string, cookies: number]> => {
    const response = await client.get(path);
    return [response.status, response.text, setCookies(response).length];
  };
  const count: Visit = (session, _request, response) => {
    session['count'] = ((session['count'] as number | undefined) ?? 0) + 1;
    response.end(`hits: ${session['count']}`);
  };

  it('should create a new session; load session from cookie sid; persist', async () => {
    visit = count;
    expect([await get(), await get()]).toEqual([
      [200, 'hits: 1', 1],
      [200, 'hits: 2', 0],
    ]);
  });

  it('should prevent save of uninitialized session', async () => {
    visit = (_session, _request, response) => response.end();
    expect([await get(), server.store.calls.save]).toEqual([[200, '', 0], 0]);
  });

  it('should prevent save on unmodified session, and still save modified session', async () => {
    visit = (session, { method, url }, response) => {
      if (method === 'POST') session['token'] = url.slice(1);
      response.end(`token=${session['token']}`);
    };
    expect((await client.post('/one')).text).toBe('token=one');
    const saves = server.store.calls.save;
    expect(await get()).toEqual([200, 'token=one', 0]);
    expect(server.store.calls.save).toBe(saves);
    expect((await client.post('/two')).text).toBe('token=two');
    expect(await get()).toEqual([200, 'token=two', 0]);
  });

  it('should detect a "cookie" property as modified', async () => {
    visit = (session, _request, response) => {
      session['user'] ??= { cookie: 0 };
      response.end(String(++(session['user'] as { cookie: number }).cookie));
    };
    expect([(await get())[1], (await get())[1]]).toEqual(['1', '2']);
  });

  it('should only have session data enumerable (and cookie); should not have enumerable methods', async () => {
    visit = (session, _request, response) => {
      Object.assign(session, { test1: 1, test2: 'b' });
      const keys: string[] = [];
      for (const key in session) keys.push(key);
      response.end([Object.keys(session).toSorted(), keys.toSorted()].join(' '));
    };
    expect(await get()).toEqual([200, 'cookie,test1,test2 cookie,test1,test2', 1]);
  });

  it('should have saved session, also with an empty response, multi-write, and a non-chunked response', async () => {
    for (const answer of [
      (response: Response) => response.end('session saved'),
      (response: Response) => response.setHeader('Content-Length', '0').end(),
      (response: Response) => {
        response.setHeader('Content-Length', '12').write('hello, ');
        response.end('world');
      },
      (response: Response) => response.setHeader('Content-Length', '13').end('session saved'),
    ]) {
      client = new Client(server.app);
      visit = (session, _request, response) => {
        session['hit'] = true;
        answer(response);
      };
      expect((await get())[2]).toBe(1);
      visit = (session, _request, response) => response.end(String(session['hit']));
      expect(await get()).toEqual([200, 'true', 0]);
    }
  });

  it('should handle multiple res.end calls, and res.end(null)', async () => {
    visit = (_session, { url }, response) => {
      response.setHeader('Content-Type', 'text/plain');
      response.end(url === '/null' ? null : 'Hello, world!');
      if (url !== '/null') response.end();
    };
    expect([await get(), await get('/null')]).toEqual([
      [200, 'Hello, world!', 0],
      [200, '', 0],
    ]);
  });

  it('when sid not in store, or not properly signed: should create a new session with a new sid', async () => {
    visit = count;
    await get();
    const { cookie } = client;
    client = new Client(server.app);
    client.cookie = `sid=${'A'.repeat(65)}`;
    expect(await get()).toEqual([200, 'hits: 1', 1]);
    expect(client.cookie).not.toBe(cookie);
    client.cookie = 'sid=nonsense';
    expect(await get()).toEqual([200, 'hits: 1', 1]);
  });

  it('unset: should default to keep', async () => {
    visit = (session, request, response) => {
      session['count'] = 1;
      Object.assign(request, { session: null });
      response.end();
    };
    await get();
    visit = (session, _request, response) => response.end(String(session['count']));
    expect((await get())[1]).toBe('1');
  });

  it('.destroy() should destroy the previous session', async () => {
    visit = count;
    await get();
    visit = (session, request, response) =>
      session.destroy((error) => response.end(`${error} ${typeof request.session}`));
    expect((await get())[1]).toBe('null undefined');
    visit = count;
    expect((await get())[1]).toBe('hits: 1');
  });

  it('.regenerate() should destroy/replace the previous session', async () => {
    visit = count;
    await get();
    const { cookie } = client;
    visit = (session, request, response) => {
      const { id } = session;
      session.regenerate((error) => response.end(`${error} ${request.session.id === id}`));
    };
    expect(await get()).toEqual([200, 'null false', 1]);
    expect(client.cookie).not.toBe(cookie);
  });

  it('.reload() should reload session from store', async () => {
    visit = count;
    await get();
    visit = (session, request, response) => {
      session['url'] = request.url;
      if (request.url === '/bar') return response.end('saw /bar');
      return void client
        .get('/bar')
        .then(() => session.reload(() => response.end(`saw ${(request.session as Session)['url']}`)));
    };
    expect((await get('/foo'))[1]).toBe('saw /bar');
  });

  it('.reload() should error is session missing', async () => {
    visit = (session, _request, response) => session.reload((error) => response.end(String(error !== null)));
    expect((await get())[1]).toBe('true');
  });

  it('.save() should save session to store, and prevent end-of-request save', async () => {
    visit = (session, _request, response) => {
      session['hit'] = true;
      session.save((error) => response.end(`${error} ${server.store.calls.save}`));
    };
    expect((await get())[1]).toBe('null 1');
    expect(server.store.calls.save).toBe(1);
  });

  it('.touch() and .resetMaxAge() return the session', async () => {
    visit = (session, _request, response) =>
      response.end([session.touch() === session, session.resetMaxAge() === session].join());
    expect((await get())[1]).toBe('true,true');
  });

  it('.cookie should preserve cookies set before writeHead is called, and in writeHead', async () => {
    visit = (session, { url }, response) => {
      session['hit'] = true;
      if (url === '/') response.setHeader('Set-Cookie', 'previous=cookieValue');
      response.writeHead(200, url === '/' ? {} : { 'Set-Cookie': 'previous=cookieValue' }).end();
    };
    for (const path of ['/', '/head']) {
      client = new Client(server.app);
      const names = setCookies(await client.get(path)).map((line) => String(line.split('=')[0]));
      expect(names.toSorted()).toEqual(['previous', 'sid']);
    }
  });

  it('.originalMaxAge should equal original maxAge for all requests; .maxAge should modify it', async () => {
    visit = (session, { url }, response) => {
      session['hit'] = true;
      if (url === '/set') session.cookie.maxAge = 3_000_000_000;
      response.end(String(session.cookie.originalMaxAge));
    };
    const texts: string[] = [];
    for (const path of ['/', '/', '/set', '/']) texts.push((await get(path))[1]);
    expect(texts).toEqual(['1800000', '1800000', '3000000000', '3000000000']);
  });

  it('.expires when null should be a browser-session cookie; should not reset cookie', async () => {
    visit = (session, _request, response) => {
      session.cookie.expires = null;
      session['hit'] = ((session['hit'] as number | undefined) ?? 0) + 1;
      response.end();
    };
    const [line = ''] = setCookies(await client.get('/'));
    expect([line.startsWith('sid='), /expires|max-age/i.test(line)]).toEqual([true, false]);
    expect((await get())[2]).toBe(0);
  });
});
