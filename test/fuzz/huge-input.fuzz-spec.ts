import { describe, expect, it, jest } from '@jest/globals';
import { Locators } from '../../libs/replicated/src/copy/locators.js';
import { readCookie } from '../../libs/session/src/http/id/cookie-header.js';
import { SessionTokenFormat } from '../../libs/session/src/http/id/session-token.js';
import { readUrlParameter, withUrlParameter } from '../../libs/session/src/http/id/url-id-transport.js';
import { savesSeen } from '../../libs/session/src/live/freshness.js';
import { parseSessionHandle } from '../../libs/session/src/store/session-handle.js';
import { accessOf } from '../../libs/session/src/store/session-id.js';

const LENGTH = 200_000;

/** So many characters may be looked at for each character that there is. */
const MOST_STEPS = 8;

const access = accessOf('A'.repeat(65));
const format = new SessionTokenFormat();
const locators = new Locators('a secret of the group');

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  'a Cookie header': (text) => readCookie(text, 'sid'),
  'an address': readUrlParameter,
  'a query': (text) => withUrlParameter(text, 'T'),
  'a token': (text) => format.parse(text),
  'a handle': parseSessionHandle,
  freshness: (text) => savesSeen(text, access.key),
  'a locator': (text) => locators.parse(access, text),
};

const pieces = [
  'sid',
  `sid${' '.repeat(1_000)}`,
  ' ',
  ';',
  'sid;',
  'sid=x;',
  '=',
  '?',
  '&',
  '&sid',
  '?sid=',
  '.',
  'a.',
  'A',
  '_',
];

describe.each(Object.keys(readers))('%s of 200,000 characters', (name) => {
  it.each(pieces)('takes steps in proportion to its length, if it repeats %j', (piece) => {
    const text = piece.repeat(Math.ceil(LENGTH / piece.length));
    expect(stepsOf(() => readers[name]?.(text))).toBeLessThan(MOST_STEPS * text.length);
  });
});

it('a reader that looks back at every character takes more, so that the tests can fail', () => {
  const text = ';'.repeat(2_000);
  const quadratic = (): void => {
    for (let at = text.length; at > 0; at--) text.indexOf('x', at - text.length);
  };
  expect(stepsOf(quadratic)).toBeGreaterThan(MOST_STEPS * text.length);
});

/** How many characters the methods of texts look at, as far as code calls them. Time would depend on the machine. */
function stepsOf(work: () => unknown): number {
  let steps = 0;
  const text = String.prototype;
  count(text, 'indexOf', (found, of, _sought, from = 0) => {
    steps += (found === -1 ? of.length : (found as number)) - Math.max(0, from as number) + 1;
  });
  count(text, 'charCodeAt', () => steps++);
  count(text, 'slice', (part) => (steps += String(part).length));
  count(text, 'startsWith', (_starts, _of, sought) => (steps += String(sought).length));
  count(RegExp.prototype, 'exec', (_match, _of, given) => (steps += String(given).length));
  try {
    work();
  } finally {
    jest.restoreAllMocks();
  }
  return steps;
}

/** Calls `note` with the result, the object and the arguments of each call. */
function count(
  prototype: object,
  method: string,
  note: (result: unknown, of: string, ...args: unknown[]) => void,
): void {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const original = methods[method] as (...args: unknown[]) => unknown;
  jest.spyOn(methods, method).mockImplementation(function (this: string, ...args: unknown[]) {
    const result = Reflect.apply(original, this, args);
    note(result, this, ...args);
    return result;
  });
}
