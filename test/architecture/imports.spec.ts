import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importViolations, type Sources } from './import-rules.js';

const root = join(import.meta.dirname, '../..');
const library = 'libs/session/src';

describe('imports of the library and the sample', () => {
  it('go one way through the folders and close no cycle', () => {
    const sources = new Map([...sourcesIn(library), ...sourcesIn('src')]);

    expect(sources.size).toBeGreaterThan(0);
    expect(importViolations(sources)).toEqual([]);
  });
});

describe('the import rules', () => {
  it('allow a folder what lies below it', () => {
    expect(violations({ 'http/a.ts': `import { b } from '../live/b.js';`, 'live/b.ts': '' })).toEqual([]);
    expect(violations({ 'store/redis/a.ts': `export * from '../session-store.js';` })).toEqual([]);
  });

  it('find a cycle of any length, also one of type-only imports', () => {
    expect(
      violations({
        'bean/a.ts': `import type { B } from './b.js';`,
        'bean/b.ts': `export type { C } from './c.js';`,
        'bean/c.ts': `export const a = () => import('./a.js');`,
      }),
    ).toEqual([`cycle: ${library}/bean/a.ts -> ${library}/bean/b.ts -> ${library}/bean/c.ts -> ${library}/bean/a.ts`]);
  });

  it.each([
    ['store/a.ts', '../live/b.js', 'store may not import live'],
    ['codec/a.ts', '../bean/b.js', 'codec may not import bean'],
    ['merge/a.ts', '../bean/b.js', 'merge may not import bean'],
    ['live/a.ts', '../request/b.js', 'live may not import request'],
    ['request/a.ts', '../module/session.options.js', 'request may not import module'],
    ['live/a.ts', '../store/memory/b.js', 'live may not import store/memory'],
    ['store/redis/a.ts', '../memory/b.js', 'store/redis may not import store/memory'],
    ['testing/a.ts', '../codec/b.js', 'testing may not import codec'],
    ['bean/a.ts', './index.js', 'imports the index'],
    ['elsewhere/a.ts', '../errors/b.js', 'has no place in MAY_IMPORT yet'],
    ['bean/a.ts', 'nestjs-session-beans', 'imports its own package by name'],
  ])('refuse %s importing %s', (file, specifier, violation) => {
    expect(violations({ [file]: `import type { B } from '${specifier}';` })).toEqual([
      expect.stringContaining(violation),
    ]);
  });

  it('keep the sample out of the insides of the library', () => {
    const sources = new Map([['src/main.ts', `import { B } from '../libs/session/src/bean/b.js';`]]);

    expect(importViolations(sources)).toEqual([expect.stringContaining('by its name only')]);
  });

  it('leave specs alone', () => {
    expect(violations({ 'errors/a.spec.ts': `import { B } from '../http/b.js';` })).toEqual([]);
  });
});

/** Violations among files of the library that are named from its source folder. */
function violations(files: Record<string, string>): string[] {
  return importViolations(new Map(Object.entries(files).map(([file, text]) => [`${library}/${file}`, text])));
}

function sourcesIn(folder: string): Sources {
  const files = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`);
  return new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
}
