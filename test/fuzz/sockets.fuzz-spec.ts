import { afterEach, describe, expect, it } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { createApplication } from '../../src/create-application.js';
import { readConfig } from '../../src/sample.config.js';
import { Client } from '../support/client.js';
import { adapters } from '../support/platforms.js';
import { RawClient } from '../support/raw-client.js';
import { rounds } from '../support/rounds.js';
import { Mutator } from './mutator.js';
import { expectCases } from './expect-cases.js';

const CASES = rounds(200, 6_000);

/** A client whose session has counted to this many, and maybe beyond. Nobody else's has. */
const COUNTED = 7;

/**
 * A request that is cut short leaves the server waiting for the rest of it: then the client leaves, after this long.
 */
const GIVES_UP_MS = 50;

const SEPARATORS = ['\r\n', ':', ': ', ';', '=', ' ', '/', '?', '&', 'sid=', 'Cookie: ', 'HTTP/1.1', '%', ',', '0\r\n'];

/** Answered behind each request, on the same connection. */
const LAST = 'GET /ping HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n';

function requestsOf(token: string): readonly string[] {
  const cookie = `Cookie: theme=dark; sid=${token}; lang=en`;
  const json = (path: string, body: string, ...headers: string[]): string => {
    const lines = [`POST ${path} HTTP/1.1`, 'Host: h', 'Content-Type: application/json', ...headers];
    return `${[...lines, `Content-Length: ${body.length}`].join('\r\n')}\r\n\r\n${body}`;
  };
  return [
    `GET /count/peek HTTP/1.1\r\nHost: h\r\n${cookie}\r\nAccept: */*\r\n\r\n`,
    `GET /count/peek?sid=${token}&page=2 HTTP/1.1\r\nHost: h\r\nX-Session-Id: ${token}\r\n\r\n`,
    `GET /session HTTP/1.1\r\nHost: h\r\n${cookie}\r\nX-Forwarded-Proto: https\r\n\r\n`,
    json('/cart/items', '{"sku":"tea","quantity":1,"price":350}', cookie),
    // Without the cookie: a login would give the session another id.
    json('/login', '{"user":"ann"}'),
  ];
}

/** All that comes back for some bytes, and for a whole request behind them. */
async function answersTo(url: string, bytes: string): Promise<string> {
  const client = await RawClient.open(url);
  client.socket.write(`${bytes}\r\n\r\n${LAST}`, 'latin1');
  for (let before = -1; !client.socket.closed && client.received.length !== before;) {
    before = client.received.length;
    const closed = new Promise((resolve) => client.socket.once('close', resolve));
    await Promise.race([closed, pause(GIVES_UP_MS, undefined, { ref: false })]);
  }
  client.destroy();
  return client.received;
}

let app: INestApplication;
afterEach(() => app.close());

describe.each(adapters)('requests over sockets to the sample that are nearly valid, $adapter,', ({ adapter }) => {
  it(`are answered, and open and adopt nothing: ${CASES} cases`, async () => {
    app = await createApplication(readConfig({ HTTP_ADAPTER: adapter, SESSION_PATTERN: 'none' }));
    app.useLogger(false);
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const owner = new Client(app);
    for (let i = 0; i < COUNTED; i++) await owner.get('/count');
    const token = owner.cookie.slice('sid='.length);
    const requests = requestsOf(token);
    let answered = 0;
    await expectCases(
      31,
      CASES,
      (random) => {
        const mutator = new Mutator(random, SEPARATORS);
        const bytes = random.chance(0.05)
          ? mutator.noise()
          : mutator.damaged(random.pick(requests), random.pick(requests));
        return {
          input: bytes,
          async run() {
            const text = await answersTo(url, bytes);
            const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
            if (statuses.length > 0) answered++;
            if (statuses.some((status) => status >= 500 && status !== 505)) throw new Error(`is answered ${text}`);
            const sent = Buffer.from(bytes, 'latin1').toString('latin1');
            const counted = [...text.matchAll(/counter=(\d+)/g)].some(([, count]) => Number(count) >= COUNTED);
            if (counted && !sent.includes(token)) throw new Error('opens a session');
            for (const [, id = ''] of text.matchAll(/^set-cookie: sid=([\w-]+)/gim))
              if (sent.includes(id.slice(0, 22)) && !token.startsWith(id.slice(0, 22))) throw new Error(`adopts ${id}`);
          },
        };
      },
      { waits: true },
    );
    expect(answered).toBeGreaterThan(CASES * 0.8);
    const [, count] = /counter=(\d+)/.exec(await owner.text('/count/peek')) ?? [];
    expect(Number(count)).toBeGreaterThanOrEqual(COUNTED);
  });
});
