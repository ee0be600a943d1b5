import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { CookieJar, type CookieScope } from '../support/cookie-jar.js';
import { rounds } from '../support/rounds.js';
import { type Fault, faults, tellsEndEachTime } from './browser-and-attacker.faults.js';
import { histories } from './browser-and-attacker.history.js';
import { clock, playHistory } from './browser-and-attacker.play.js';

const property = (servers: 1 | 2, fault?: Fault) =>
  fc.asyncProperty(histories(servers), (history) => playHistory(history, fault));

/** The rules of the game are written down in browser-and-attacker.rules.ts. */
describe('any history of one browser and one attacker', () => {
  beforeAll(() => {
    jest.spyOn(performance, 'now').mockImplementation(() => clock.now());
  });
  afterAll(() => {
    jest.restoreAllMocks();
  });

  it.each([1, 2] as const)(
    'keeps the rules of logins, cookies and ended sessions (servers: %i)',
    async (servers) => {
      await fc.assert(property(servers), { numRuns: rounds(60, 100_000) });
    },
    3_600_000,
  );

  it.each([1, 2] as const)(
    'keeps them where each answer sends the id again, for a persistent cookie (servers: %i)',
    async (servers) => {
      await fc.assert(property(servers, tellsEndEachTime), { numRuns: rounds(60, 100_000) });
    },
    3_600_000,
  );

  const shown = Object.entries(faults).filter((_, i) => i % rounds(4, 1) === 0);
  it.each(shown)('breaks a rule where %s', async (_fault, { breaks, ...fault }) => {
    const [one, two] = [property(1, fault), property(2, fault)];
    const settings = { numRuns: 3_000, endOnFailure: true, seed: 1 };
    const found = await fc.check(two, settings);
    const details = found.failed ? found : await fc.check(one, settings);
    expect(details.failed).toBe(true);
    expect(String(details.errorInstance)).toMatch(breaks);
  });
});

describe('the browser of these histories', () => {
  const scope: CookieScope = {
    host: 'www.shop.example',
    path: '/account',
    isCrossSite: false,
    isNavigation: false,
    isSafe: true,
  };

  it.each<[string, readonly string[], Partial<CookieScope>, string | undefined]>([
    ['sends a cookie to the host that set it', ['a=1; Path=/'], {}, 'a=1'],
    ['and to no other host', ['a=1; Path=/'], { host: 'shop.example' }, undefined],
    ['sends one of a domain to all its hosts', ['a=1; Domain=shop.example'], { host: 'x.shop.example' }, 'a=1'],
    ['takes none for another domain', ['a=1; Domain=other.example'], {}, undefined],
    ['sends one of a path below it only', ['a=1; Path=/acc', 'b=1; Path=/account'], {}, 'b=1'],
    ['sends longer paths first', ['a=1; Path=/', 'a=2; Path=/account'], {}, 'a=2; a=1'],
    ['keeps the place of a cookie that is set again', ['a=1; Path=/', 'b=1; Path=/', 'a=2; Path=/'], {}, 'a=2; b=1'],
    ['keeps cookies of host and domain apart', ['a=1; Path=/', 'a=2; Path=/; Domain=shop.example'], {}, 'a=1; a=2'],
    ['removes the one at the same place', ['a=1; Path=/', 'a=2; Path=/account', 'a=; Path=/; Max-Age=0'], {}, 'a=2'],
    ['takes __Host- for its own place only', ['__Host-a=1; Secure; Path=/; Domain=shop.example'], {}, undefined],
    ['withholds Lax from other sites', ['a=1; Path=/; SameSite=Lax'], { isCrossSite: true }, undefined],
    ['but not from links', ['a=1; Path=/; SameSite=Lax'], { isCrossSite: true, isNavigation: true }, 'a=1'],
    ['sends None everywhere', ['a=1; Path=/; SameSite=None; Secure'], { isCrossSite: true }, 'a=1'],
  ])('%s', (_what, lines, request, sent) => {
    const jar = new CookieJar();
    for (const line of lines) jar.receive(line, scope);
    expect(jar.header({ ...scope, ...request })).toBe(sent);
  });

  it('takes a Lax cookie from an answer to another site only if that fills the window', () => {
    const jar = new CookieJar();
    jar.receive('a=1; Path=/; SameSite=Lax', { ...scope, isCrossSite: true });
    jar.receive('b=1; Path=/; SameSite=Lax', { ...scope, isCrossSite: true, isNavigation: true });
    expect(jar.header(scope)).toBe('b=1');
  });
});
