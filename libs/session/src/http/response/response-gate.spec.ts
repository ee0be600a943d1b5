import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { ResponseHooks } from './response-hooks.js';
import { ResponseGate } from './response-gate.js';

/** Lets pass what it is told to, and notes what it was asked. */
class TestKeeper implements ResponseHooks {
  readonly asked: string[] = [];
  answers: (Promise<void> | undefined)[] = [];

  beforeBytes(status: number, moment: string): Promise<void> | undefined {
    this.asked.push(`${moment} ${status}`);
    return this.answers.shift();
  }

  beforeHead(headers: { set(name: string, value: string): void }): void {
    this.asked.push('write head');
    headers.set('X-Gate', 'passed');
  }

  afterEnd(isComplete: boolean): void {
    this.asked.push(isComplete ? 'complete' : 'gone');
  }
}

let server: Server;

async function answer(keeper: TestKeeper, handle: (response: ServerResponse) => void): Promise<Response> {
  server = createServer((_, response) => {
    ResponseGate.install(response, keeper);
    handle(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
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

  it('lets pass what nothing has to be stored for, in the same turn', async () => {
    const keeper = new TestKeeper();
    const response = await answer(keeper, (gated) => {
      gated.end('text');
      expect(gated.writableEnded).toBe(true);
    });
    expect(await response.text()).toBe('text');
    expect(response.headers.get('x-gate')).toBe('passed');
    expect(keeper.asked).toEqual(['end 200', 'write head', 'complete']);
  });

  it('replays in order what it held, with the status of when it was called', async () => {
    const keeper = new TestKeeper();
    const stored = deferred();
    keeper.answers = [stored.promise];
    let finished = false;
    const response = await answer(keeper, (gated) => {
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
    expect(keeper.asked).toEqual(['head 202', 'end 202', 'write head', 'complete']);
  });

  it('asks again when it was held and goes on, since only the head can carry an id', async () => {
    const keeper = new TestKeeper();
    keeper.answers = [Promise.resolve(), Promise.resolve()];
    const response = await answer(keeper, (gated) => {
      gated.write('a');
      setTimeout(() => gated.end('b'), 5);
    });
    expect(await response.text()).toBe('ab');
    expect(keeper.asked).toEqual(['head 200', 'held 200', 'held 200', 'write head', 'end 200', 'complete']);
  });

  it('says when more may be written', async () => {
    const keeper = new TestKeeper();
    const stored = deferred();
    keeper.answers = [stored.promise];
    const response = await answer(keeper, (gated) => {
      expect(gated.write('small')).toBe(true);
      expect(gated.write('x'.repeat(100_000))).toBe(false);
      gated.once('drain', () => gated.end('end'));
      stored.resolve();
    });
    expect(await response.text()).toBe(`small${'x'.repeat(100_000)}end`);
  });

  it('replaces what must not be sent, and tells whoever waits for its bytes', async () => {
    const keeper = new TestKeeper();
    keeper.answers = [Promise.reject(new SessionStoreError('test', 'save', 'down'))];
    const told: unknown[] = [];
    const response = await answer(keeper, (gated) => {
      gated.statusMessage = 'All fine';
      gated.setHeader('Set-Cookie', 'a=1').write('a', (error) => told.push(error));
      gated.end('b', () => told.push('end'));
    });
    expect([response.status, response.statusText]).toEqual([503, 'Service Unavailable']);
    expect(await response.json()).toEqual({ statusCode: 503, message: 'Service Unavailable' });
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(told).toEqual([expect.any(Error), 'end']);
    expect(keeper.asked).toEqual(['head 200', 'write head', 'complete']);
  });

  it('breaks off what has begun', async () => {
    const keeper = new TestKeeper();
    keeper.answers = [undefined, Promise.reject(new Error('not stored'))];
    const response = await answer(keeper, (gated) => {
      gated.write('a');
      setImmediate(() => gated.end('b'));
    });
    expect(response.status).toBe(200);
    await expect(response.text()).rejects.toThrow('terminated');
    expect(keeper.asked).toEqual(['head 200', 'write head', 'end 200', 'complete']);
  });

  it('is as if it had not been asked when Node rejects the head: the caller answers anew', async () => {
    const keeper = new TestKeeper();
    const response = await answer(keeper, (gated) => {
      expect(() => gated.writeHead(200, { 'X-Bad': 'a\nb' })).toThrow(/Invalid character/);
      expect(gated.headersSent).toBe(false);
      gated.writeHead(500, { 'Content-Type': 'text/plain' }).end('failed');
    });
    expect([response.status, await response.text()]).toEqual([500, 'failed']);
    expect(response.headers.get('x-gate')).toBe('passed');
  });

  it('puts back what others had patched on the response itself', async () => {
    const keeper = new TestKeeper();
    keeper.answers = [Promise.resolve()];
    const traced: string[] = [];
    const response = await answer(keeper, (gated) => {
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
});
