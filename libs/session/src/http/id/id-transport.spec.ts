import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generateSessionId } from '../../store/session-id.js';
import { appendSetCookie, type ResponseHeaders } from '../response/response-headers.js';
import { CookieIdTransport } from './cookie-id-transport.js';
import { HeaderIdTransport } from './header-id-transport.js';
import { AMBIGUOUS } from './id-transport.js';
import { SessionCookie } from './session-cookie.js';
import { SessionTokenFormat } from './session-token.js';
import { UrlIdTransport } from './url-id-transport.js';

const cookie = new SessionCookie();
const transports = {
  cookie: new CookieIdTransport(cookie),
  header: new HeaderIdTransport(),
  url: new UrlIdTransport(cookie),
};
type Kind = keyof typeof transports;
const kinds = Object.keys(transports) as Kind[];

describe('reading from requests of a real server', () => {
  let server: Server;
  let seen: Record<Kind, unknown> | undefined;

  beforeAll(async () => {
    server = createServer((request: IncomingMessage, response) => {
      seen = {
        cookie: transports.cookie.read(request, true),
        header: transports.header.read(request),
        url: transports.url.read(request, true),
      };
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  beforeEach(() => {
    seen = undefined;
  });

  /** Sends the lines as they are, since an http client would refuse most of them. */
  async function send(target: string, ...headers: string[]): Promise<string> {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    const lines = [`GET ${target} HTTP/1.1`, 'Host: app.test', 'Connection: close', ...headers, '', ''];
    socket.write(lines.join('\r\n'), 'latin1');
    return (await text(socket)).split('\r\n', 1)[0] ?? '';
  }

  it.each<[string, string, string[], Record<Kind, unknown>]>([
    ['B1: nothing', '/', [], { cookie: undefined, header: undefined, url: undefined }],
    ['B1: an empty Cookie header', '/', ['Cookie:'], { cookie: undefined, header: undefined, url: undefined }],
    ['a cookie', '/', ['Cookie: __Host-sid=c'], { cookie: 'c', header: undefined, url: 'c' }],
    ['a header', '/', ['X-Session-Id: h'], { cookie: undefined, header: 'h', url: undefined }],
    ['a parameter', '/?sid=u', [], { cookie: undefined, header: undefined, url: 'u' }],
    [
      'R5, B16, R48: all of them, the cookie wins over the parameter',
      '/?sid=u',
      ['Cookie: __Host-sid=c', 'X-Session-Id: h'],
      { cookie: 'c', header: 'h', url: 'c' },
    ],
    [
      'B10, K3: two Cookie headers',
      '/',
      ['Cookie: a=b', 'Cookie: __Host-sid=c'],
      { cookie: 'c', header: undefined, url: 'c' },
    ],
    [
      'B9: two Cookie headers with different values, which no parameter outvotes',
      '/?sid=u',
      ['Cookie: __Host-sid=c', 'Cookie: __Host-sid=d'],
      { cookie: ['c', 'd'], header: undefined, url: ['c', 'd'] },
    ],
    [
      'B14, R47: two headers',
      '/',
      ['X-Session-Id: h', 'X-Session-Id: h'],
      { cookie: undefined, header: AMBIGUOUS, url: undefined },
    ],
    ['B14, R47: a list', '/', ['X-Session-Id: h,i'], { cookie: undefined, header: AMBIGUOUS, url: undefined }],
    [
      'B4: high bytes before the name',
      '/',
      ['Cookie: \u00a0__Host-sid=c'],
      { cookie: undefined, header: undefined, url: undefined },
    ],
    ['the name used on plain http', '/', ['Cookie: sid=c'], { cookie: undefined, header: undefined, url: undefined }],
    [
      'B27, R37: forwarding headers',
      '/',
      ['Cookie: sid=c', 'X-Forwarded-Proto: https', 'Forwarded: proto=https'],
      { cookie: undefined, header: undefined, url: undefined },
    ],
  ])('%s', async (_title, target, headers, expected) => {
    expect(await send(target, ...headers)).toBe('HTTP/1.1 200 OK');
    expect(seen).toEqual(expected);
  });

  it.each([
    ['B2: more than 16 KB', `Cookie: __Host-sid=${'A'.repeat(20_000)}`, 'HTTP/1.1 431 Request Header Fields Too Large'],
    ['B3: NUL', 'Cookie: __Host-sid=\0', 'HTTP/1.1 400 Bad Request'],
    ['B3: CR', 'Cookie: __Host-sid=a\rb', 'HTTP/1.1 400 Bad Request'],
    ['B14: a header of 100 KB', `X-Session-Id: ${'A'.repeat(100_000)}`, 'HTTP/1.1 431 Request Header Fields Too Large'],
  ])('%s never reaches us', async (_title, header, status) => {
    expect(await send('/', header)).toBe(status);
    expect(seen).toBeUndefined();
  });

  it('B2: 15 KB are read, and are no token', async () => {
    await send('/', `Cookie: __Host-sid=${'A'.repeat(15 * 1024)}`);
    expect(seen?.cookie).toBe('A'.repeat(15 * 1024));
    expect(new SessionTokenFormat().parse(String(seen?.cookie))).toBeUndefined();
  });

  it('reads what it wrote, by way of the token format', async () => {
    const id = generateSessionId();
    const format = new SessionTokenFormat({ signingKeys: ['a secret of enough bytes'] });
    await send(
      `/?sid=${format.format(id, 's1')}`,
      `X-Session-Id: ${format.format(id, 's1')}`,
      `Cookie: __Host-sid=${format.format(id, 's1')}`,
    );
    for (const kind of kinds) expect(format.parse(String(seen?.[kind]))).toEqual({ id, locator: 's1' });
  });
});

describe('reading from a request without an address', () => {
  it('url: finds no parameter', () => {
    expect(transports.url.read({ headers: {} }, true)).toBeUndefined();
  });
});

describe('reading over plain http', () => {
  it('takes the cookie without prefix only', () => {
    const headers = { cookie: 'sid=plain; __Host-sid=tls' };
    expect(transports.cookie.read({ headers }, false)).toBe('plain');
    expect(transports.cookie.read({ headers }, true)).toBe('tls');
  });

  it.each([
    ['__Host-sid=tls', true],
    ['sid=plain; __Host-sid=', true],
    ['sid=plain', false],
    ['x__Host-sid=tls; __Host-sid-seen=1', false],
  ])('A6: sees whether the cookie is the one of TLS: %s', (header, isSecure) => {
    const request = { headers: { cookie: header } };
    expect(transports.cookie.presentsSecure(request)).toBe(isSecure);
    expect(transports.url.presentsSecure(request)).toBe(isSecure);
    expect(transports.header.presentsSecure()).toBe(false);
    expect(new SessionCookie({ name: 'id' }).isSecureIn('id=1')).toBe(false);
  });
});

describe('writing to responses', () => {
  let lines: Record<string, string | string[]>;
  const headers: ResponseHeaders = {
    get: (name) => (lines[name] === undefined ? undefined : String(lines[name])),
    set: (name, value) => void (lines[name] = value),
    append: (name, value) => void (lines[name] = appendSetCookie(lines[name], value)),
  };
  beforeEach(() => {
    lines = {};
  });

  it('R3, R8, R9: cookie: sends the token in Set-Cookie only, beside the cookies of the application', () => {
    headers.set('Set-Cookie', 'theme=dark');
    transports.cookie.write(headers, 'T', true);
    expect(lines).toEqual({
      'Set-Cookie': ['theme=dark', '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
      'Cache-Control': 'no-store',
    });
  });

  it('K1: two tokens in one response leave the last one', () => {
    transports.cookie.write(headers, 'first', true);
    transports.cookie.write(headers, 'last', true);
    expect(lines['Set-Cookie']).toEqual(['__Host-sid=last; Path=/; HttpOnly; Secure; SameSite=Lax']);
  });

  it('header: sends the token in X-Session-Id', () => {
    transports.header.write(headers, 'T');
    expect(lines).toEqual({ 'X-Session-Id': 'T', 'Cache-Control': 'no-store' });
  });

  it.each([
    [undefined, 'X-Session-Id, X-Session-Seen'],
    ['', 'X-Session-Id, X-Session-Seen'],
    ['X-Total, ETag', 'X-Total, ETag, X-Session-Id, X-Session-Seen'],
    ['x-session-id', 'x-session-id, X-Session-Seen'],
    ['*', '*, X-Session-Id, X-Session-Seen'],
  ])('A8: header: is exposed to scripts of other origins beside what the application exposes: %j', (before, after) => {
    headers.set('Access-Control-Allow-Origin', 'https://other.test');
    if (before !== undefined) headers.set('Access-Control-Expose-Headers', before);
    transports.header.write(headers, 'T');
    transports.header.writeFreshness(headers, 'F');
    expect(lines['Access-Control-Expose-Headers']).toBe(after);
  });

  it('R48: url: sends no cookie, no header with the token, and no referrer', () => {
    transports.url.write(headers);
    expect(lines).toEqual({ 'Referrer-Policy': 'no-referrer', 'Cache-Control': 'no-store' });
  });

  it('R48: url: sends no referrer either where the token is only read', () => {
    headers.set('Referrer-Policy', 'unsafe-url');
    transports.url.markRead(headers);
    expect(lines).toEqual({ 'Referrer-Policy': 'no-referrer', Vary: 'Cookie', 'Cache-Control': 'private' });
  });

  it('R9: a response that depends on the session varies by where the token came from', () => {
    headers.set('Vary', 'Origin');
    transports.cookie.markRead(headers);
    transports.header.markRead(headers);
    expect(lines).toEqual({ Vary: 'Origin, Cookie, X-Session-Id', 'Cache-Control': 'private' });
  });

  it('A3: makes the client forget its token', () => {
    transports.cookie.remove(headers, true);
    transports.header.remove(headers);
    expect(lines).toEqual({
      'Set-Cookie': ['__Host-sid=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=0'],
      'X-Session-Id': '',
      'Cache-Control': 'no-store',
    });
  });
});

describe('E2: a browser withholds the cookie', () => {
  const from = (site: string, mode = 'cors', dest = 'empty', method = 'POST') => ({
    method,
    headers: { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': dest },
  });
  const link = from('cross-site', 'navigate', 'document', 'GET');
  const form = from('cross-site', 'navigate', 'document', 'POST');
  const frame = from('cross-site', 'navigate', 'iframe', 'GET');
  const script = from('cross-site', 'cors', 'empty', 'GET');
  const own = [from('same-origin'), from('same-site'), from('none', 'navigate', 'document', 'GET'), { headers: {} }];

  it.each([
    ['lax', [form, frame, script], [link, ...own]],
    ['strict', [form, frame, script, link], own],
    ['none', [], [form, frame, script, link, ...own]],
  ] as const)('SameSite=%s', (sameSite, withheld, sent) => {
    const transport = new CookieIdTransport(new SessionCookie({ sameSite, secure: true }));
    for (const request of withheld) expect(transport.isWithheld(request)).toBe(true);
    for (const request of sent) expect(transport.isWithheld(request)).toBe(false);
  });

  it.each([
    ['none', false, true],
    ['inactive', false, true],
    ['active', false, false],
    ['none', true, false],
  ])('E3: SameSite=None, Sec-Fetch-Storage-Access: %s, partitioned: %s', (access, partitioned, isWithheld) => {
    const transport = new CookieIdTransport(new SessionCookie({ sameSite: 'none', secure: true, partitioned }));
    const request = { ...frame, headers: { ...frame.headers, 'sec-fetch-storage-access': access } };
    expect(transport.isWithheld(request)).toBe(isWithheld);
  });
});
