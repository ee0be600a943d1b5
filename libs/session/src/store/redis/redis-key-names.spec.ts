import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { defaultPrefix } from './redis-key-names.js';

describe('the prefix of an application that gives none', () => {
  const { argv } = process;
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'session-beans-prefix-'));
  });
  afterEach(() => {
    process.argv = argv;
    jest.restoreAllMocks();
    rmSync(root, { recursive: true });
  });

  /** @param main the file that was started, under the root */
  function prefixOf(main: string | undefined, packages: Readonly<Record<string, string>>): string {
    for (const [directory, text] of Object.entries(packages)) {
      mkdirSync(join(root, directory), { recursive: true });
      writeFileSync(join(root, directory, 'package.json'), text);
    }
    process.argv = main === undefined ? ['node'] : ['node', join(root, main)];
    return defaultPrefix();
  }

  it.each<[string, string, string, Record<string, string>]>([
    ['has its name', 'session:shop:', 'shop/dist/main.js', { shop: '{ "name": "shop" }' }],
    ['keeps the scope', 'session:@acme/shop:', 'shop/main.js', { shop: '{ "name": "@acme/shop" }' }],
    [
      'passes by one without a name',
      'session:shop:',
      'dist/main.js',
      { '': '{ "name": "shop" }', dist: '{ "type": "module" }' },
    ],
    ['passes by what is no JSON', 'session:shop:', 'dist/main.js', { '': '{ "name": "shop" }', dist: '{' }],
    ['has no hash tag', 'session:shop:', 'main.js', { '': '{ "name": " {sh}op" }' }],
    ['is that of the nearest', 'session:web:', 'web/main.js', { '': '{ "name": "all" }', web: '{ "name": "web" }' }],
  ])('%s', (_title, expected, main, packages) => {
    expect(prefixOf(main, packages)).toBe(expected);
  });

  it.each([[undefined], ['node_modules/pm2/lib/container.js']])(
    'is looked for above the working directory when %s was started',
    (main) => {
      jest.spyOn(process, 'cwd').mockReturnValue(join(root, 'shop'));
      const packages = { shop: '{ "name": "shop" }', 'node_modules/pm2': '{ "name": "pm2" }' };
      expect(prefixOf(main, packages)).toBe('session:shop:');
    },
  );
});
