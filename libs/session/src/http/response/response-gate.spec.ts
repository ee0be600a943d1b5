import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { SessionStoreError } from '../../errors/session-store.error.js';
import { ResponseGate } from './response-gate.js';
import type { ResponseHooks } from './response-hooks.js';

/** Gives the answers of a list, then lets everything pass; notes the calls. */
class TestHooks implements ResponseHooks {
  readonly calls: string[] = [];
  answers: (Promise<void> | undefined)[] = [];

  beforeBytes(status: number, moment: string): Promise<void> | undefined {
    this.calls.push(`${moment} ${status}`);
    return this.answers.shift();
  }

  beforeHead(headers: { set(name: string, value: string): void }): void {
    this.calls.push('write head');
    headers.set('X-Gate', 'passed');
  }

  afterEnd(isComplete: boolean): void {
    this.calls.push(isComplete ? 'complete' : 'gone');
  }
}

let server: Server;

async function answer(hooks: TestHooks, handle: (response: ServerResponse) => void): Promise<Response> {
  server = createServer((_, response) => {
    ResponseGate.install(response, hooks);
    handle(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return fetch(`http://127.0.0.1:${portOf(server)}`);
}

/** Answers a client that leaves when `handle` waits for the first time. */
async function answerLeaver(
  hooks: TestHooks,
  handle: (response: ServerResponse, gone: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const requested = new Promise<ServerResponse>((resolve) => {
    server = createServer((_, response) => {
      ResponseGate.install(response, hooks);
      resolve(response);
    }).listen(0, '127.0.0.1');
  });
  await once(server, 'listening');
  const client = connect(portOf(server), '127.0.0.1').on('error', () => undefined);
  client.write('GET / HTTP/1.1\r\nHost: app.test\r\n\r\n');
  const response = await requested;
  const handled = handle(response, once(response, 'close'));
  client.destroy();
  await handled;
}

function portOf(listening: Server): number {
  return (listening.address() as AddressInfo).port;
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve!: () => void;
  return { promise: new Promise<void>((done) => (resolve = done)), resolve };
}

describe('the response gate', () => {
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('lets a response pass in the same turn when nothing has to be stored', async () => {
    const hooks = new TestHooks();
    const response = await answer(hooks, (gated) => {
      gated.end('text');
      expect(gated.writableEnded).toBe(true);
    });
    expect(await response.text()).toBe('text');
    expect(response.headers.get('x-gate')).toBe('passed');
    expect(hooks.calls).toEqual(['end 200', 'write head', 'complete']);
  });

  it('replays the kept calls in order, with the status that the response had when it was first called', async () => {
    const hooks = new TestHooks();
    const stored = deferred();
    hooks.answers = [stored.promise];
    let finished = false;
    const response = await answer(hooks, (gated) => {
      gated.statusCode = 202;
      gated.write('a');
      expect(gated.headersSent).toBe(true);
      expect(ResponseGate.isHeadSent(gated)).toBe(false);
      expect(() => gated.setHeader('X-Late', '1')).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }));
      expect(() => gated.writeHead(500)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_HEADERS_SENT' }));
      gated.write(Buffer.from('b'));
      gated.end('c', () => (finished = true));
      expect(gated.writableEnded).toBe(true);
      gated.statusCode = 500;
      stored.resolve();
    });
    expect(response.status).toBe(202);
    expect(await response.text()).toBe('abc');
    expect(finished).toBe(true);
    expect(hooks.calls).toEqual(['head 202', 'end 202', 'write head', 'complete']);
  });

  it('asks once more when a held response goes on, since only the head can carry an id', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve(), Promise.resolve()];
    const response = await answer(hooks, (gated) => {
      gated.write('a');
      setTimeout(() => gated.end('b'), 5);
    });
    expect(await response.text()).toBe('ab');
    expect(hooks.calls).toEqual(['head 200', 'held 200', 'held 200', 'write head', 'end 200', 'complete']);
  });

  it('tells a writer that filled the buffer when to go on', async () => {
    const hooks = new TestHooks();
    const stored = deferred();
    hooks.answers = [stored.promise];
    const response = await answer(hooks, (gated) => {
      expect(gated.write('small')).toBe(true);
      expect(gated.write('x'.repeat(100_000))).toBe(false);
      gated.once('drain', () => gated.end('end'));
      stored.resolve();
    });
    expect(await response.text()).toBe(`small${'x'.repeat(100_000)}end`);
  });

  it('replaces a response that was not stored, and fails the callbacks of its calls', async () => {
    const hooks = new TestHooks();
    const failure = { store: 'test', operation: 'save', problem: 'down', applied: false } as const;
    hooks.answers = [Promise.reject(new SessionStoreError(failure))];
    const callbacks: unknown[] = [];
    const response = await answer(hooks, (gated) => {
      gated.statusMessage = 'All fine';
      gated.setHeader('Set-Cookie', 'a=1').write('a', (error) => callbacks.push(error));
      gated.end('b', () => callbacks.push('end'));
    });
    expect([response.status, response.statusText]).toEqual([503, 'Service Unavailable']);
    expect(await response.json()).toEqual({
      statusCode: 503,
      message: 'Service Unavailable',
      code: 'SESSION_STORE_UNAVAILABLE',
      applied: false,
    });
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(callbacks).toEqual([expect.any(Error), 'end']);
    expect(hooks.calls).toEqual(['head 200', 'write head', 'complete']);
  });

  it('breaks off a response that has begun', async () => {
    const hooks = new TestHooks();
    hooks.answers = [undefined, Promise.reject(new Error('not stored'))];
    const response = await answer(hooks, (gated) => {
      gated.write('a');
      setImmediate(() => gated.end('b'));
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(hooks.calls).toEqual(['head 200', 'write head', 'end 200', 'complete']);
  });

  it('is unsent again when Node rejects the head: the caller may answer anew', async () => {
    const hooks = new TestHooks();
    const response = await answer(hooks, (gated) => {
      expect(() => gated.writeHead(200, { 'X-Bad': 'a\nb' })).toThrow(/Invalid character/);
      expect(gated.headersSent).toBe(false);
      gated.writeHead(500, { 'Content-Type': 'text/plain' }).end('failed');
    });
    expect([response.status, await response.text()]).toEqual([500, 'failed']);
    expect(response.headers.get('x-gate')).toBe('passed');
  });

  it('restores header methods that others had patched on the response', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve()];
    const traced: string[] = [];
    const response = await answer(hooks, (gated) => {
      const plain = Object.getPrototypeOf(gated) as ServerResponse;
      gated.setHeader = function (this: ServerResponse, name, value) {
        traced.push(name);
        return plain.setHeader.call(this, name, value);
      };
      gated.write('a');
      setTimeout(() => gated.end(), 5);
    });
    await response.text();
    expect(traced).toEqual(['X-Gate']);
  });

  it('asks once about a response that begins with its end', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve()];
    const response = await answer(hooks, (gated) => {
      expect(gated.end('text')).toBe(gated);
      expect([gated.headersSent, gated.writableEnded]).toEqual([true, true]);
    });
    expect(await response.text()).toBe('text');
    expect(hooks.calls).toEqual(['end 200', 'write head', 'complete']);
  });

  it('keeps the head that writeHead was given, with its headers', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve()];
    const response = await answer(hooks, (gated) => {
      expect(gated.writeHead(201, 'Made', { 'X-Own': 'own', 'X-Gate': 'own' })).toBe(gated);
      gated.end('text');
    });
    expect([response.status, response.statusText]).toEqual([201, 'Made']);
    expect([response.headers.get('x-own'), response.headers.get('x-gate')]).toEqual(['own', 'passed']);
    expect(hooks.calls).toEqual(['head 201', 'end 201', 'write head', 'complete']);
  });

  it('lets flushed headers pass, or keeps them', async () => {
    const passing = new TestHooks();
    const passed = await answer(passing, (gated) => {
      gated.flushHeaders();
      expect(ResponseGate.isHeadSent(gated)).toBe(true);
      setTimeout(() => gated.end('text'), 5);
    });
    expect([passed.headers.get('x-gate'), await passed.text()]).toEqual(['passed', 'text']);
    expect(passing.calls).toEqual(['head 200', 'write head', 'end 200', 'complete']);
    server.close();

    const holding = new TestHooks();
    holding.answers = [Promise.resolve()];
    const held = await answer(holding, (gated) => {
      gated.flushHeaders();
      expect(ResponseGate.isHeadSent(gated)).toBe(false);
      setTimeout(() => gated.end('text'), 5);
    });
    expect([held.headers.get('x-gate'), await held.text()]).toEqual(['passed', 'text']);
    expect(holding.calls).toEqual(['head 200', 'held 200', 'write head', 'end 200', 'complete']);
  });

  it('holds the end of a stream back, whose head has left', async () => {
    const hooks = new TestHooks();
    hooks.answers = [undefined, Promise.resolve()];
    const response = await answer(hooks, (gated) => {
      gated.write('a');
      gated.write('b');
      gated.end('c');
      expect([gated.writableEnded, ResponseGate.isHeadSent(gated)]).toEqual([true, true]);
      expect(hooks.calls.at(-1)).toBe('end 200');
    });
    expect(await response.text()).toBe('abc');
    expect(hooks.calls).toEqual(['head 200', 'write head', 'end 200', 'complete']);
  });

  it('passes calls after the end on to Node', async () => {
    const hooks = new TestHooks();
    const codes: unknown[] = [];
    const response = await answer(hooks, (gated) => {
      gated.on('error', (error) => codes.push((error as NodeJS.ErrnoException).code));
      gated.end('text');
      expect(gated.write('late')).toBe(false);
      expect(gated.end()).toBe(gated);
    });
    expect(await response.text()).toBe('text');
    expect(codes).toEqual(['ERR_STREAM_WRITE_AFTER_END']);
    expect(hooks.calls).toEqual(['end 200', 'write head', 'complete']);
  });

  it('drops calls after it has replaced the response, and closes the connection under them', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.reject(new Error('not stored'))];
    const errors: unknown[] = [];
    const response = await answer(hooks, (gated) => {
      gated.write('a');
      setImmediate(() => {
        expect(ResponseGate.isHeadSent(gated)).toBe(true);
        expect(gated.write('b', (error) => errors.push(error))).toBe(true);
        expect(gated.writeHead(200)).toBe(gated);
        expect(gated.end('c')).toBe(gated);
      });
    });
    expect([response.status, response.headers.get('connection')]).toEqual([500, 'close']);
    expect(await response.json()).toEqual({ statusCode: 500, message: 'Internal Server Error' });
    await turn();
    expect(errors).toEqual([expect.any(Error)]);
    expect(hooks.calls).toEqual(['head 200', 'write head', 'complete']);
  });

  it('replaces a held response whose head Node rejects, and fails the callbacks of its calls', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve()];
    const callbacks: unknown[] = [];
    const response = await answer(hooks, (gated) => {
      gated.writeHead(200, { 'X-Bad': 'a\nb' });
      gated.write('text', (error) => callbacks.push(error));
      gated.end(() => callbacks.push('end'));
    });
    expect([response.status, response.headers.get('x-gate')]).toEqual([500, 'passed']);
    expect(callbacks).toEqual([expect.any(Error), 'end']);
    expect(hooks.calls).toEqual(['head 200', 'end 200', 'write head', 'write head', 'complete']);
  });

  it('breaks a held response off when Node rejects a call after its head', async () => {
    const hooks = new TestHooks();
    hooks.answers = [Promise.resolve()];
    const response = answer(hooks, (gated) => {
      gated.write('a');
      gated.write(1);
      gated.end();
    });
    await expect(response.then((begun) => begun.text())).rejects.toThrow(/fetch failed|terminated/);
    expect(hooks.calls).toEqual(['head 200', 'end 200', 'write head', 'complete']);
  });

  describe('when the client leaves', () => {
    it('before the response: says so, and says when the response is ended all the same', async () => {
      const hooks = new TestHooks();
      await answerLeaver(hooks, async (gated, gone) => {
        await gone;
        expect(hooks.calls).toEqual(['gone']);
        gated.write('a');
        expect(hooks.calls).toEqual(['gone']);
        gated.end();
        gated.end();
      });
      expect(hooks.calls).toEqual(['gone', 'complete']);
    });

    it('in the middle of the response: says so, and says when the response is ended all the same', async () => {
      const hooks = new TestHooks();
      await answerLeaver(hooks, async (gated, gone) => {
        gated.write('a');
        await gone;
        expect(hooks.calls).toEqual(['head 200', 'write head', 'gone']);
        gated.end('b');
      });
      expect(hooks.calls).toEqual(['head 200', 'write head', 'gone', 'complete']);
    });

    it('while the response is held: says so when the store has answered', async () => {
      const hooks = new TestHooks();
      const stored = deferred();
      hooks.answers = [stored.promise];
      await answerLeaver(hooks, async (gated, gone) => {
        gated.write('a');
        await gone;
        expect(hooks.calls).toEqual(['head 200']);
        stored.resolve();
        await turn();
        expect(hooks.calls).toEqual(['head 200', 'held 200', 'write head', 'gone']);
        gated.end('b');
      });
      expect(hooks.calls).toEqual(['head 200', 'held 200', 'write head', 'gone', 'complete']);
    });

    it('while the end is held: the response is complete when the store has answered', async () => {
      const hooks = new TestHooks();
      const stored = deferred();
      hooks.answers = [stored.promise];
      await answerLeaver(hooks, async (gated, gone) => {
        gated.end('a');
        await gone;
        expect(hooks.calls).toEqual(['end 200']);
        stored.resolve();
        await turn();
      });
      expect(hooks.calls).toEqual(['end 200', 'write head', 'complete']);
    });

    it('after the end: says nothing more', async () => {
      const hooks = new TestHooks();
      await answerLeaver(hooks, async (gated, gone) => {
        gated.end('a');
        await gone;
      });
      expect(hooks.calls).toEqual(['end 200', 'write head', 'complete']);
    });
  });
});
