import { SessionTokenFormat } from '../../../libs/session/src/http/id/session-token.js';
import { generateSessionId } from '../../../libs/session/src/store/session-id.js';
import type { SampleUnderTest } from './sample-under-test.js';

/** Header lines of a request, given the token of a session that lives. */
type Headers = (token: string, sample: SampleUnderTest) => readonly string[];

/** No session, no cookie; the handler runs without one. */
export const ignored: readonly (readonly [title: string, headers: Headers])[] = [
  ['B1 no header', () => []],
  ['B1 an empty header', () => ['Cookie: ']],
  ['B1 an empty value', () => ['Cookie: sid=']],
  ['B1 no value', () => ['Cookie: sid']],
  ['B2 15,000 characters', () => [`Cookie: sid=${'a'.repeat(15_000)}`]],
  ['B4 high bytes before the name', (token) => [`Cookie: \xa0sid=${token}`]],
  ['B4 U+2000 in UTF-8 before the name', (token) => [`Cookie: \xe2\x80\x80sid=${token}`]],
  ['B4 high bytes in the id', (token) => [`Cookie: sid=${token.slice(0, 42)}\xe9${token.slice(43)}`]],
  ['B5 one character less', (token) => [`Cookie: sid=${token.slice(1)}`]],
  ['B5 one character more', (token) => [`Cookie: sid=A${token}`]],
  ['B5 42 characters', (token) => [`Cookie: sid=${token.slice(0, 42)}`]],
  ['B5 one character', () => ['Cookie: sid=A']],
  ['B5 10,000 characters', () => [`Cookie: sid=${'A'.repeat(10_000)}`]],
  ['B5 a plus', (token) => [`Cookie: sid=+${token.slice(1)}`]],
  ['B5 a slash', (token) => [`Cookie: sid=/${token.slice(1)}`]],
  ['B5 padding', (token) => [`Cookie: sid=${token.split('.')[0]}=`]],
  ['B5 a blank', (token) => [`Cookie: sid=${token.slice(0, 9)} ${token.slice(10)}`]],
  ['B5 an encoded NUL', (token) => [`Cookie: sid=${token}%00`]],
  ['B5 broken encoding', () => ['Cookie: sid=%E0%A4%A']],
  ['B8 a path', () => ['Cookie: sid=../../etc/passwd']],
  ['B8 a key of Redis', () => ['Cookie: sid=session:{a}']],
  ['B8 a wildcard', () => ['Cookie: sid=*']],
  ['B8 a command of Redis', () => ['Cookie: sid=sess:x%0d%0aDEL y']],
  ['B8 SQL', () => ["Cookie: sid=' OR 1=1 --"]],
  ['B8 __proto__', () => ['Cookie: sid=__proto__']],
  ['B8 constructor', () => ['Cookie: sid=constructor']],
  ['B8 toString', () => ['Cookie: sid=toString']],
  ['B8 hasOwnProperty', () => ['Cookie: sid=hasOwnProperty']],
  ['B11 an empty name', (token) => [`Cookie: =sid=${token}`]],
  ['B11 upper case', (token) => [`Cookie: SID=${token}`]],
  ['B11 a dollar before the name', (token) => [`Cookie: $Version=1; $sid=${token}`]],
  ['B12 quotes', (token) => [`Cookie: sid="${token}"`]],
  ['B14 a header that is not configured', (token) => [`X-Session-Id: ${token}`]],
  ['B14 that header twice', (token) => [`X-Session-Id: ${token}`, `X-Session-Id: ${token}`]],
  ['B17 five fields behind it', (token) => [`Cookie: sid=${token.split('.')[0]}.a.b.c.d.e`]],
  ['B17 a route alone', () => ['Cookie: sid=.n1']],
  ['B17 a dot', (token) => [`Cookie: sid=${token.split('.')[0]}.`]],
  ['B17 a path as route', (token) => [`Cookie: sid=${token.split('.')[0]}.../`]],
  ['B17 a long route', (token) => [`Cookie: sid=${token.split('.')[0]}.${'a'.repeat(10_000)}`]],
];

/** The same, where ids are signed. */
export const forged: readonly (readonly [title: string, headers: Headers])[] = [
  ['B7 no signature', (token) => [`Cookie: sid=${token.slice(0, 65)}`]],
  ['B7 a forged signature', (token) => [`Cookie: sid=${token.slice(0, 65)}${'A'.repeat(22)}`]],
  ['B7 a signature cut short', (token) => [`Cookie: sid=${token.slice(0, 86)}`]],
  ['B7 the signature of another id', (token) => [`Cookie: sid=${generateSessionId()}${token.slice(65)}`]],
  ['B7 the signature of a key that is gone', (token) => [`Cookie: sid=${gone.format(token.slice(0, 65))}`]],
];

const gone = new SessionTokenFormat({ signingKeys: ['a secret that was taken away'] });

/** The session is found. */
export const found: readonly (readonly [title: string, headers: Headers])[] = [
  [
    'A6 under the name of the cookie over TLS, as servers that render pages pass it on',
    (token) => [`Cookie: __Host-sid=${token}`],
  ],
  ['B9 the same value twice', (token) => [`Cookie: sid=${token}; sid=${token}`]],
  ['B9 A2 a cookie of that name of another application', (token) => [`Cookie: sid=s%3Aabc.def; sid=${token}`]],
  ['B9 A2 an empty one', (token) => [`Cookie: sid=${token}; sid=`]],
  [
    'B9 A2 the id of a session that there is not',
    (token, sample) => [`Cookie: sid=${sample.tokenFor(generateSessionId())}; sid=${token}`],
  ],
  ['B10 two headers', (token) => ['Cookie: a=b', `Cookie: sid=${token}`]],
  ['B10 200 other cookies', (token) => [`Cookie: ${'a=b; '.repeat(200)}sid=${token}`]],
  ['B11 attributes of RFC 2965', (token) => [`Cookie: $Version=1; sid=${token}; $Path=/`]],
  ['B13 cookies with names of Object.prototype', (token) => [`Cookie: __proto__=1; sid=${token}; constructor=2`]],
  ['B17 no route', (token) => [`Cookie: sid=${token.split('.')[0]}`]],
  ['B17 the route of a server that there is not', (token) => [`Cookie: sid=${token.split('.')[0]}.s7`]],
  ['B17 more fields', (token) => [`Cookie: sid=${token.split('.')[0]}.a.b.1.-`]],
];

/** Node answers, and the application is not asked. */
export const refusedByNode: readonly (readonly [title: string, status: number, headers: Headers])[] = [
  ['B2 a header of 20 kB', 431, () => [`Cookie: sid=${'a'.repeat(20_000)}`]],
  ['B3 NUL', 400, (token) => [`Cookie: sid=${token}\0`]],
  ['B3 a carriage return', 400, (token) => [`Cookie: sid=${token}\rx`]],
  ['B3 a line feed', 400, (token) => [`Cookie: sid=${token}\nx`]],
  ['B14 a header of 20 kB, not configured', 431, () => [`X-Session-Id: ${'a'.repeat(20_000)}`]],
];

/** Addresses with an id, which is not read there. */
export const addresses: readonly (readonly [title: string, address: (token: string) => string])[] = [
  ['a parameter', (token) => `/count/peek?sid=${token}`],
  ['two parameters', (token) => `/count/peek?sid=${token}&sid=${token}`],
  ['path parameters', (token) => `/count/peek;sid=${token};sid=${token}`],
  ['an encoded path parameter', (token) => `/count/peek%3Bsid%3D${token}`],
  ['the middle of the path', (token) => `/count;sid=${token}/peek`],
];

/** Requests of unusual shape, and the statuses that are right. None of them starts a session. */
export const shapes: readonly (readonly [title: string, statuses: readonly number[], bytes: string])[] = [
  ['B25 OPTIONS', [200, 204, 404], 'OPTIONS /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'],
  ['B25 TRACE', [400, 404, 405], 'TRACE /count HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'],
  ['B25 HTTP/1.0', [200], 'GET /count/peek HTTP/1.0\r\n\r\n'],
  [
    // The adapter of Nest takes sockets at /chat, and ends others after a first line without the end of a head.
    'B25 an upgrade',
    [0, 400],
    'GET /count/peek HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n',
  ],
  ['B25 an absolute address', [200], 'GET http://h/count/peek HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'],
  ['B26 no such route', [404], 'GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n'],
  [
    'B26 a preflight of CORS',
    [200, 204, 404],
    'OPTIONS /count HTTP/1.1\r\nHost: h\r\nOrigin: http://a.test\r\n' +
      'Access-Control-Request-Method: GET\r\nConnection: close\r\n\r\n',
  ],
  ['B26 a body that is no JSON', [400], jsonRequest('/login', '{"broken')],
  ['B26 a body with __proto__', [400], jsonRequest('/login', '{"__proto__":{"user":"ann"}}')],
];

export function jsonRequest(path: string, body: string, length = body.length): string {
  const head = [`POST ${path} HTTP/1.1`, 'Host: h', 'Connection: close', 'Content-Type: application/json'];
  return `${[...head, `Content-Length: ${length}`].join('\r\n')}\r\n\r\n${body}`;
}

/** What a client may say about TLS. */
export const forwarding: readonly string[] = [
  'X-Forwarded-Proto: https',
  'X-Forwarded-Ssl: on',
  'Front-End-Https: on',
  'Forwarded: proto=https;host=evil.test',
  'X-Forwarded-Host: evil.test',
];
