import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SessionBeanError, SessionStateError } from 'nestjs-session-beans';

const root = join(import.meta.dirname, '../..');

describe('docs/errors.md', () => {
  it('has one anchor for each code that an error of the packages has', () => {
    const codes = errorCodes();
    const anchors = [...read('docs/errors.md').matchAll(/<a id="(\w+)"><\/a>`(\w+)`/g)].map(
      ([, id, code]) => `${id} ${code}`,
    );

    expect(codes).toEqual(expect.arrayContaining(['SESSION_CONFLICT', 'SESSION_BEAN_INVALID']));
    expect(anchors).toHaveLength(codes.length);
    expect(new Set(anchors)).toEqual(new Set(codes.map((code) => `${code.toLowerCase()} ${code}`)));
  });
});

describe('a mistake of the application', () => {
  it('names its row of the page in the log, and not in the message, which GraphQL sends to clients', () => {
    const error = new SessionStateError('Cart.items', 'is a function');

    expect(error.message).toBe('Cart.items is a function');
    const [first, page, place] = (error.stack ?? '').split('\n');
    expect(first).toBe('SessionStateError: Cart.items is a function');
    expect(page).toBe('    see nestjs-session-beans/docs/errors.md#session_state_invalid');
    expect(place).toMatch(/^ {4}at /);
  });

  it('has no stack trace when it stops the boot, but names the page', () => {
    expect(new SessionBeanError('Cart extends Map').stack).toBe(
      'SessionBeanError: Cart extends Map\n    see nestjs-session-beans/docs/errors.md#session_bean_invalid',
    );
  });
});

function errorCodes(): string[] {
  const files = ['session', 'replicated'].flatMap((lib) => {
    const folder = `libs/${lib}/src`;
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.error.ts')).map((name) => join(folder, name));
  });
  const found = files.flatMap((file) => [...read(file).matchAll(/(?:code: |super\()'(SESSION_\w+)'/g)]);
  return [...new Set(found.map(([, code = '']) => code))];
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
