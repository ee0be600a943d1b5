import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { generateSessionId } from '../../store/session-id.js';
import { readCookie } from './cookie-header.js';
import { SessionCookie } from './session-cookie.js';
import type { SessionCookieOptions } from './session-cookie.options.js';
import { SessionTokenFormat } from './session-token.js';

describe('SessionCookie', () => {
  it.each<[string, SessionCookieOptions, boolean, string]>([
    ['over TLS', {}, true, '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['over plain http', {}, false, 'sid=T; Path=/; HttpOnly; SameSite=Lax'],
    ['always Secure', { secure: true }, false, '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['never Secure', { secure: false }, true, 'sid=T; Path=/; HttpOnly; SameSite=Lax'],
    ['strict', { sameSite: 'strict' }, true, '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=Strict'],
    ['cross-site', { sameSite: 'none', secure: true }, true, '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=None'],
    [
      'with a domain',
      { domain: 'example.org' },
      true,
      '__Secure-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax; Domain=example.org',
    ],
    ['with a domain, plain', { domain: 'a.test' }, false, 'sid=T; Path=/; HttpOnly; SameSite=Lax; Domain=a.test'],
    ['with a path', { path: '/app' }, true, '__Secure-sid=T; Path=/app; HttpOnly; Secure; SameSite=Lax'],
    ['with a name', { name: 'id' }, true, 'id=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['with a prefixed name', { name: '__Host-app' }, true, '__Host-app=T; Path=/; HttpOnly; Secure; SameSite=Lax'],
    ['with a prefixed name, plain', { name: '__Host-Http-app' }, false, 'app=T; Path=/; HttpOnly; SameSite=Lax'],
    [
      'partitioned (K15)',
      { partitioned: true, secure: true, sameSite: 'none' },
      true,
      '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=None; Partitioned',
    ],
    [
      'with everything',
      { name: '__Secure-a', domain: 'b.test', path: '/c', sameSite: 'strict', secure: true, partitioned: true },
      false,
      '__Secure-a=T; Path=/c; HttpOnly; Secure; SameSite=Strict; Domain=b.test; Partitioned',
    ],
    [
      'with options that are undefined',
      { name: undefined, secure: undefined },
      false,
      'sid=T; Path=/; HttpOnly; SameSite=Lax',
    ],
  ])('R3, K2: writes exactly this line %s', (_title, options, secure, line) => {
    const cookie = new SessionCookie(options);
    expect(cookie.serialize('T', secure)).toBe(line);
    expect(cookie.nameFor(secure)).toBe(line.slice(0, line.indexOf('=')));
  });

  it('R15: stays below 200 bytes with MAC and route', () => {
    const format = new SessionTokenFormat({ signingKeys: ['a secret of enough bytes'] });
    const token = format.format(generateSessionId(), 'r'.repeat(32));
    expect(new SessionCookie().serialize(token, true, 400 * 86_400_000).length).toBeLessThan(220);
    expect(new SessionCookie().serialize(token, true).length).toBeLessThan(200);
  });

  it('A4: ends with its session where that is told, and never at once', () => {
    const cookie = new SessionCookie({ persistent: true });
    const line = '__Host-sid=T; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=';
    expect([60_000, 1_001, 1, 0, -5].map((ms) => cookie.serialize('T', true, ms))).toEqual(
      [60, 2, 1, 1, 1].map((seconds) => line + seconds),
    );
  });

  it('is read back by readCookie under its own name', () => {
    const name = fc.stringMatching(/^[\w.!#-]{1,30}$/);
    fc.assert(
      fc.property(name, fc.boolean(), (anyName, secure) => {
        const cookie = new SessionCookie({ name: anyName });
        const pair = cookie.serialize('T', secure).split(';', 1)[0];
        expect(readCookie(pair, cookie.nameFor(secure))).toBe('T');
      }),
    );
  });

  it('does not change with the options object it was made from', () => {
    const options = { path: '/app' };
    const cookie = new SessionCookie(options);
    options.path = '/; Domain=evil.test';
    expect(cookie.serialize('T', true)).toContain('; Path=/app; ');
  });

  it('K2: refuses every text that would add to the header', () => {
    const separator = fc.constantFrom(';', '\r', '\n', ',', ' ', '\t', '\0', '\u00e9', '\u2028');
    const option = fc.constantFrom<keyof SessionCookieOptions>('name', 'path', 'domain');
    fc.assert(
      fc.property(option, fc.string(), separator, fc.string(), (key, before, bad, after) => {
        const text = (key === 'path' ? '/' : '') + before + bad + after;
        expect(() => new SessionCookie({ [key]: text })).toThrow(SessionConfigurationError);
      }),
    );
  });

  it.each<[unknown, RegExp]>([
    [{ sameSite: 'Lax' }, /^cookie\.sameSite: 'Lax' is not allowed; allowed: 'lax', 'strict', 'none'$/],
    [{ path: '/a\r\nX: y' }, /^cookie\.path: '\/a\\r\\nX: y' is not allowed; allowed: a path that .*$/],
    [{ secure: Array.from({ length: 50 }, () => 'y'.repeat(40)) }, /^cookie\.secure: .* allowed: true, false, 'auto'$/],
  ])('B69: says in one line which option, which value and what is allowed: %j', (options, line) => {
    expect(() => new SessionCookie(options as SessionCookieOptions)).toThrow(line);
  });

  it.each<[string, unknown, RegExp]>([
    ['a text instead of an object', 'redis://:hunter2@host', /^cookie: a string is not allowed/],
    ['null', null, /^cookie: null /],
    ['a list', [], /^cookie: \[\] /],
    [
      'an unknown option',
      { httpOnly: false },
      /^cookie\.httpOnly: false .* name, path, domain, sameSite, secure, partitioned, persistent$/,
    ],
    ['an option named like a method', { toString: 'x' }, /^cookie\.toString: 'x' /],
    ['an own __proto__', JSON.parse('{"__proto__":1}'), /^cookie\.__proto__: 1 /],
    ['an empty name', { name: '' }, /^cookie\.name: '' /],
    ['a name that is only a prefix', { name: '__Host-' }, /^cookie\.name: '__Host-' /],
    ['a name with "="', { name: 'a=b' }, /^cookie\.name: /],
    ['a name with a quote', { name: '"a"' }, /^cookie\.name: /],
    ['a name that other parsers take for an attribute', { name: '$Version' }, /^cookie\.name: /],
    ['a long name', { name: 'a'.repeat(65) }, /^cookie\.name: /],
    ['a number as name', { name: 1 }, /^cookie\.name: 1 /],
    ['a relative path', { path: 'app' }, /^cookie\.path: 'app' /],
    ['an empty path', { path: '' }, /^cookie\.path: '' /],
    ['a path browsers ignore (K8)', { path: `/${'a'.repeat(1024)}` }, /^cookie\.path: /],
    ['a path that browsers write differently', { path: '/a/../b' }, /^cookie\.path: .* as browsers write it: '\/b'$/],
    ['a path with a query', { path: '/a?b' }, /^cookie\.path: .* as browsers write it: '\/a'$/],
    ['a path with a backslash', { path: '/a\\b' }, /^cookie\.path: .* as browsers write it: '\/a\/b'$/],
    ['a path to be encoded', { path: '/{a}' }, /^cookie\.path: .* as browsers write it: '\/%7Ba%7D'$/],
    ['a number as sameSite', { sameSite: true }, /^cookie\.sameSite: true /],
    ['a list as sameSite', { sameSite: ['lax'] }, /^cookie\.sameSite: \[/],
    ['a text as secure', { secure: 'true' }, /^cookie\.secure: 'true' /],
    [
      'A4: a lifetime of its own',
      { maxAge: 86_400_000 },
      /^cookie\.maxAge: 86400000 .* allowed: persistent: true, with/,
    ],
    ['A4: an end of its own', { expires: new Date(0) }, /^cookie\.expires: .* allowed: persistent: true, with/],
    ['A4: a number as persistent', { persistent: 1 }, /^cookie\.persistent: 1 .* true, false$/],
    ['a text as partitioned', { partitioned: 'yes' }, /^cookie\.partitioned: 'yes' /],
    ['K6: __Host- with a domain', { name: '__Host-a', domain: 'a.test' }, /^cookie\.domain: 'a\.test' .*__Host-a$/],
    ['K6: __Host- with a path', { name: '__Host-a', path: '/a' }, /^cookie\.path: '\/a' .*__Host-a$/],
    ['K6: __Host- without Secure', { name: '__Host-a', secure: false }, /^cookie\.secure: false .*__Host-a$/],
    ['K5: __hOST- with a path', { name: '__hOST-a', path: '/a' }, /^cookie\.path: '\/a' /],
    ['K5: __sECURE- without Secure', { name: '__sECURE-a', secure: false }, /^cookie\.secure: false /],
    ['K7: __Host-Http- with a domain', { name: '__Host-Http-a', domain: 'a.test' }, /^cookie\.domain: /],
    ['K6: __Secure- without Secure', { name: '__Secure-a', secure: false }, /^cookie\.secure: false .*__Secure-a$/],
    ['K10: SameSite=None without Secure', { sameSite: 'none', secure: false }, /^cookie\.secure: false .*'none'$/],
    ['K10: SameSite=None that is not always Secure', { sameSite: 'none' }, /^cookie\.secure: 'auto' .*'none'$/],
    ['K15: Partitioned without Secure', { partitioned: true }, /^cookie\.secure: 'auto' .* partitioned$/],
  ])('B69: refuses %s', (_title, options, message) => {
    const build = () => new SessionCookie(options as SessionCookieOptions);
    expect(build).toThrow(SessionConfigurationError);
    expect(build).toThrow(message);
  });

  it.each<[unknown, RegExp]>([
    ['', /; none for the own host alone$/],
    [7, /; none for the own host alone$/],
    ['-example.com', /neither the first nor the last of them "-"/],
    ['example-.com', /neither the first nor the last of them "-"/],
    ['example.-com', /neither the first nor the last of them "-"/],
    ['example.com-', /neither the first nor the last of them "-"/],
    ['-', /neither the first nor the last of them "-"/],
    ['a..test', /between dots$/],
    ['..a.test', /between dots$/],
    ['.', /between dots$/],
    ['a b.test', /between dots$/],
    [`${'a'.repeat(64)}.test`, /labels of 1 to 63/],
    [`${'a.'.repeat(126)}te`, /at most 253 characters$/],
    ['example.com.', /^cookie\.domain: 'example\.com\.' is not allowed; allowed: 'example\.com', since/],
    ['localhost', /at least two labels.*: leave the option out$/],
    ['.com', /at least two labels/],
    ['com.', /at least two labels/],
    ['*.com', /at least two labels/],
    ['b\u00fccher', /at least two labels/],
    ['*.example.com.', /allowed: 'example\.com', since/],
    ['127.0.0.1', /no IP address.*: leave the option out$/],
    ['1.2.3', /no IP address/],
    ['a.0x7f', /no IP address/],
    ['::1', /no IP address/],
    ['[2001:db8::1]', /no IP address/],
    ['a.test:80', /without protocol, port and path/],
    ['https://a.test', /without protocol, port and path/],
    ['a.test/', /without protocol, port and path/],
    ['*.example.com', /allowed: 'example\.com', which includes all hosts below it$/],
    ['b\u00fccher.example', /allowed: the ASCII form 'xn--bcher-kva\.example'$/],
  ])('A9: refuses %j as domain, with the way out', (domain, message) => {
    const build = () => new SessionCookie({ domain: domain as string });
    expect(build).toThrow(SessionConfigurationError);
    expect(build).toThrow(message);
  });

  it.each([
    ['example.com', 'example.com'],
    ['.Example.COM', 'example.com'],
    ['my_app.a-b.example', 'my_app.a-b.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['4.com', '4.com'],
    [`${'a.'.repeat(125)}com`, `${'a.'.repeat(125)}com`],
  ])('A9: takes %j as domain', (domain, written) => {
    expect(new SessionCookie({ domain }).serialize('T', true)).toMatch(new RegExp(`; Domain=${written}$`));
  });
});
