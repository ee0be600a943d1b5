import { afterEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { type Server, type ServerResponse, createServer } from 'node:http';
import * as http2 from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ResponseGate } from './response-gate.js';
import type { ResponseHeaders } from './response-headers.js';
import type { ResponseHooks } from './response-hooks.js';

type Protocol = 'HTTP/1.1' | 'HTTP/2';

/** A handler. It notes what its calls give it, and what it is told later. */
type Handler = (response: AnyResponse, note: (...facts: unknown[]) => void) => void;

/** With a method of HTTP/2 alone, and one that compression adds. */
type AnyResponse = ServerResponse & {
  setTrailer(name: string, value: string): void;
  flush(): void;
};

const BIG = 'x'.repeat(200_000);

/** What is called while the response is held, by the name that `docs/responses.md` has for it. */
const handlers: Record<string, Handler> = {
  'writeHead(status, headers)'(response, note) {
    note(response.writeHead(201, { 'X-A': '1' }) === response, response.headersSent, response.statusCode);
    response.end('text');
  },
  'writeHead after bytes'(response, note) {
    response.write('a');
    note(errorOf(() => response.writeHead(500)));
    response.end();
  },
  'statusCode after the head'(response, note) {
    response.statusCode = 202;
    response.write('a');
    note(response.statusCode);
    response.statusCode = 500;
    response.end();
  },
  'getHeader after the head'(response, note) {
    response.setHeader('X-A', '1');
    response.flushHeaders();
    note(response.getHeader('x-a'), response.hasHeader('X-A'));
    response.end();
  },
  'write(chunk, encoding, callback)'(response, note) {
    note(response.write('é', 'latin1', () => note('first written')));
    note(
      response.write(Buffer.from('b'), () => note('second written')),
      response.writableEnded,
    );
    response.end();
  },
  'write of more than the buffer holds'(response, note) {
    note(response.write('small'), response.write(BIG));
    response.once('drain', () => response.end('drained'));
  },
  'write after end'(response, note) {
    response.on('error', (error: NodeJS.ErrnoException) => note(error.code));
    response.end('text');
    note(response.write('late', (error) => note((error as NodeJS.ErrnoException).code)));
  },
  'end(callback)'(response, note) {
    note(response.end(() => note('ended', response.writableEnded)) === response, response.writableEnded);
  },
  'end(chunk, callback)'(response, note) {
    note(response.end('text', () => note('ended')) === response, response.finished);
  },
  'end(chunk, encoding, callback)'(response, note) {
    note(response.end('c3a9', 'hex', () => note('ended')) === response, response.headersSent);
  },
  'end twice'(response, note) {
    response.end('text');
    note(response.end() === response);
  },
  flushHeaders(response, note) {
    note(response.flushHeaders(), response.headersSent);
    response.end('text');
  },
  addTrailers(response, note) {
    response.writeHead(200, { Trailer: 'X-T' });
    response.write('a');
    note(response.addTrailers({ 'X-T': '1' }));
    response.end();
  },
  'writeEarlyHints before the head'(response) {
    response.writeEarlyHints({ link: '</a.css>; rel=preload' });
    response.end('text');
  },
  'cork, before the first bytes, and uncork'(response, note) {
    response.cork();
    note(response.write('a'), response.write('b'));
    note(response.uncork());
    response.end('c');
  },
  'cork, between bytes, and uncork'(response, note) {
    response.write('a');
    note(response.cork());
    response.write('b');
    response.write('c');
    response.uncork();
    response.end('d');
  },
  'flush, which compression adds,'(response) {
    const plain = Object.getPrototypeOf(response) as ServerResponse;
    response.flush = () => plain.write.call(response, 'flushed', 'latin1');
    response.write('a');
    response.flush();
    response.end('b');
  },
  setTimeout(response, note) {
    response.write('a');
    note(response.setTimeout(60_000) === response);
    response.end();
  },
  'pipe into the response'(response, note) {
    response.on('pipe', () => note('piped'));
    Readable.from([BIG, BIG, 'last'], { objectMode: false, highWaterMark: 1 }).pipe(response);
  },
  'pipeline into the response'(response, note) {
    const sources = Readable.from([Buffer.from(BIG), Buffer.from('last')]);
    void pipeline(sources, response).then(
      () => note('done'),
      (error: unknown) => note(String(error)),
    );
  },
  ...Object.fromEntries(
    (['setHeader', 'appendHeader', 'removeHeader'] as const).map((method): [string, Handler] => [
      `${method} after the head`,
      (response, note) => {
        response.setHeader('X-A', '1');
        response.writeHead(200);
        note(errorOf(() => response[method]('X-A', '2')));
        response.end();
      },
    ]),
  ),
};

// Node 24 refuses informational answers after the head, and 20 does not.
const handlersOfOne: Record<Protocol, Record<string, Handler>> = {
  'HTTP/1.1': {
    'writeHead(status, reason, pairs)'(response, note) {
      note(response.writeHead(203, 'Fine', ['X-A', '1', 'X-B', '2']) === response);
      response.end('text');
    },
    writeHeader(response, note) {
      (response as unknown as { writeHeader(status: number, headers: object): void }).writeHeader(201, { 'X-A': '1' });
      note(response.headersSent, response.statusCode);
      response.end('text');
    },
    'setHeaders after the head'(response, note) {
      response.flushHeaders();
      note(errorOf(() => response.setHeaders(new Map([['X-A', '1']]))));
      response.end();
    },
    'addTrailers after end'(response) {
      response.writeHead(200, { Trailer: 'X-T' });
      response.write('a');
      response.end();
      response.addTrailers({ 'X-T': '1' });
    },
    'writeEarlyHints(hints, callback) after the head'(response, note) {
      response.writeHead(200);
      const hint = { link: '</a.css>; rel=preload' };
      note(errorOf(() => response.writeEarlyHints(hint, () => note('hinted'))));
      response.end('text');
    },
    'writeContinue(callback)'(response, note) {
      response.writeHead(200);
      note(errorOf(() => response.writeContinue(() => note('continued'))));
      response.end('text');
    },
    writeProcessing(response, note) {
      response.writeHead(200);
      note(errorOf(() => response.writeProcessing()));
      response.end('text');
    },
  },
  'HTTP/2': {
    setTrailer(response) {
      response.write('a');
      response.setTrailer('x-t', '1');
      response.end();
    },
  },
};

/** Of one request: all that its client received, in order, and all that its handler noted. */
interface Exchange {
  readonly received: string;
  readonly notes: unknown[];
}

const HOOK_HEADER: Record<Protocol, string> = { 'HTTP/1.1': 'x-gate: passed\r\n', 'HTTP/2': ',"x-gate":"passed"' };

let server: Server | http2.Http2Server | undefined;

/** @param answers of the hooks: a promise holds the response back; without a function no gate stands before it */
async function exchange(
  protocol: Protocol,
  handler: Handler,
  answers?: () => Promise<void> | undefined,
): Promise<Exchange> {
  const notes: unknown[] = [];
  const handle = (_: unknown, raw: unknown): void => {
    const response = raw as AnyResponse;
    response.sendDate = false;
    if (answers) ResponseGate.install(response, hooks(answers));
    try {
      handler(response, (...facts) => notes.push(...facts));
    } catch (error) {
      notes.push(error);
      response.socket?.destroy();
    }
  };
  server = protocol === 'HTTP/2' ? http2.createServer(handle) : createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const received = await (protocol === 'HTTP/2' ? receiveFrames(port) : receiveBytes(port));
  // Callbacks may come after the last byte.
  await new Promise((resolve) => server?.close(resolve));
  return { received, notes };
}

/** Holds the first bytes back until the handler has returned. */
function holdOnce(): () => Promise<void> | undefined {
  let isHeld = false;
  return () => {
    if (isHeld) return undefined;
    isHeld = true;
    return new Promise((resolve) => setImmediate(resolve));
  };
}

function hooks(answers: () => Promise<void> | undefined): ResponseHooks {
  const beforeHead = (headers: ResponseHeaders): void => headers.set('x-gate', 'passed');
  return { beforeBytes: answers, beforeHead, afterEnd: () => undefined };
}

/** All that comes over the wire. */
async function receiveBytes(port: number): Promise<string> {
  const client = connect(port, '127.0.0.1').setEncoding('latin1');
  let text = '';
  client.on('data', (data) => (text += String(data)));
  client.on('error', (error) => (text += String(error)));
  client.write('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
  await once(client, 'close');
  return text;
}

/** Heads, trailers, the body and the end. The network decides how the body is cut into frames. */
async function receiveFrames(port: number): Promise<string> {
  const client = http2.connect(`http://127.0.0.1:${port}`);
  const stream = client.request({ ':path': '/' });
  const frames: string[] = [];
  let body = '';
  stream.setEncoding('latin1');
  for (const event of ['headers', 'response', 'trailers', 'push']) {
    stream.on(event, (headers: object) => frames.push(`${event} ${JSON.stringify(headers)}`));
  }
  stream.on('data', (data) => (body += String(data)));
  stream.on('error', (error) => frames.push(`error ${error.code}`));
  await once(stream, 'close').catch(() => undefined);
  client.close();
  return [...frames, body, stream.rstCode].join('\n');
}

function errorOf(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { code, message };
  }
  return 'no error';
}

describe.each(['HTTP/1.1', 'HTTP/2'] as const)('what a handler calls, %s:', (protocol) => {
  afterEach(() => void server?.close());

  it.each(Object.entries({ ...handlers, ...handlersOfOne[protocol] }))(
    '%s has the effect, the place and the results that it has without the gate',
    async (_, handler) => {
      const plain = await exchange(protocol, handler);
      for (const answer of [() => undefined, holdOnce()]) {
        const { received, notes } = await exchange(protocol, handler, answer);
        expect(received).toContain(HOOK_HEADER[protocol]);
        expect({ received: received.replace(HOOK_HEADER[protocol], ''), notes }).toEqual(plain);
      }
    },
  );

  it('destroy lets nothing leave of a held response', async () => {
    const { received } = await exchange(
      protocol,
      (response) => {
        response.write('text');
        response.destroy();
      },
      holdOnce(),
    );
    expect(received).not.toMatch(/text|passed|200/);
  });

  it('writableLength and writableNeedDrain count the bytes that are held', async () => {
    const { notes } = await exchange(
      protocol,
      (response, note) => {
        response.write('text');
        note(response.writableLength);
        response.write(BIG);
        note(response.writableLength, response.writableNeedDrain);
        response.end();
      },
      holdOnce(),
    );
    expect(notes).toEqual([4, 4 + BIG.length, true]);
  });
});
