import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { ResponseGate } from './response-gate.js';

/** Notes the calls of the gate, and gives the answers of a list; undefined lets bytes pass. */
class TestHooks {
  readonly calls: string[] = [];
  answers: (Promise<void> | undefined)[] = [];

  beforeBytes(_: number, moment: string): Promise<void> | undefined {
    this.calls.push(moment);
    return this.answers.shift();
  }

  beforeHead(): void {
    this.calls.push('write head');
  }

  afterEnd(isComplete: boolean): void {
    this.calls.push(isComplete ? 'complete' : 'gone');
  }
}

let server: http2.Http2Server;
let client: http2.ClientHttp2Session;

/** Sends a request. `response` is that of the server, before the gate is installed. */
async function request(method = 'GET'): Promise<{ stream: http2.ClientHttp2Stream; response: ServerResponse }> {
  const arrived = new Promise<ServerResponse>((resolve) => {
    server = http2.createServer((_, response) => resolve(response as unknown as ServerResponse));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ':path': '/', ':method': method });
  stream.setEncoding('utf8').on('error', () => undefined);
  return { stream, response: await arrived };
}

/** All that a client got, and the code with which the stream was closed. */
async function received(stream: http2.ClientHttp2Stream): Promise<{ status: unknown; body: string; code: number }> {
  let body = '';
  let status: unknown;
  stream.on('response', (headers) => (status = headers[':status']));
  stream.on('data', (data) => (body += String(data)));
  await new Promise((resolve) => stream.on('close', resolve));
  return { status, body, code: stream.rstCode };
}

async function leave(stream: http2.ClientHttp2Stream, response: ServerResponse): Promise<void> {
  stream.close(http2.constants.NGHTTP2_CANCEL);
  await once(response, 'close');
}

describe('the response gate, HTTP/2,', () => {
  afterEach(() => {
    client.close();
    server.close();
  });

  it('breaks off a response that has begun, so that it does not look complete', async () => {
    const { stream, response } = await request();
    const hooks = new TestHooks();
    hooks.answers = [undefined, Promise.reject(new Error('not stored'))];
    ResponseGate.install(response, hooks);
    response.write('a');
    response.end('b');
    expect(await received(stream)).toMatchObject({ status: 200, code: http2.constants.NGHTTP2_INTERNAL_ERROR });
    expect(hooks.calls).toEqual(['head', 'write head', 'end', 'complete']);
  });

  it('replaces a response that was not stored, and sends none of its trailers', async () => {
    const { stream, response } = await request();
    const hooks = new TestHooks();
    hooks.answers = [Promise.reject(new Error('not stored'))];
    ResponseGate.install(response, hooks);
    let trailers: unknown;
    stream.on('trailers', (sent) => (trailers = sent));
    response.write('a');
    response.addTrailers({ 'x-t': '1' });
    response.end();
    const body = '{"statusCode":500,"message":"Internal Server Error"}';
    expect(await received(stream)).toEqual({ status: 500, body, code: 0 });
    expect(trailers).toBeUndefined();
  });

  it('replaces a response to HEAD', async () => {
    const { stream, response } = await request('HEAD');
    const hooks = new TestHooks();
    hooks.answers = [Promise.reject(new Error('not stored'))];
    ResponseGate.install(response, hooks);
    response.end('text');
    expect(await received(stream)).toEqual({ status: 500, body: '', code: 0 });
    expect(hooks.calls).toEqual(['end', 'write head', 'complete']);
  });

  it('says that the client has left while the response was held', async () => {
    const { stream, response } = await request();
    const hooks = new TestHooks();
    let store!: () => void;
    hooks.answers = [new Promise<void>((resolve) => (store = resolve))];
    ResponseGate.install(response, hooks);
    response.write('a');
    await leave(stream, response);
    expect(hooks.calls).toEqual(['head']);
    store();
    await turn();
    expect(hooks.calls).toEqual(['head', 'held', 'write head', 'gone']);
  });

  it('says that the client had left before the gate was installed', async () => {
    const { stream, response } = await request();
    await leave(stream, response);
    const hooks = new TestHooks();
    ResponseGate.install(response, hooks);
    expect(hooks.calls).toEqual(['gone']);
  });
});
