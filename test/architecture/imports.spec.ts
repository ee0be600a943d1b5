import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { importViolations, type Sources } from './import-rules.js';

const root = join(import.meta.dirname, '../..');
const library = 'libs/session/src';
const replicated = 'libs/replicated/src';

describe('imports of the packages and the sample', () => {
  it('go one way through the folders and close no cycle', () => {
    const parts = [library, replicated, 'src'].map(sourcesIn);

    expect(parts.map(({ size }) => size > 0)).toEqual([true, true, true]);
    expect(importViolations(new Map(parts.flatMap((sources) => [...sources])))).toEqual([]);
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
    ['elsewhere/a.ts', '../errors/b.js', 'has no place in the rules yet'],
    ['bean/a.ts', 'nestjs-session-beans', 'imports its own package by name'],
  ])('refuse %s importing %s', (file, specifier, violation) => {
    expect(violations({ [file]: `import type { B } from '${specifier}';` })).toEqual([
      expect.stringContaining(violation),
    ]);
  });

  it('let a store of the core import what stores in this process share, and nobody the entry that offers it', () => {
    expect(violations({ 'store/index.ts': `export * from './heap/b.js';` })).toEqual([]);
    expect(violations({ 'store/b.ts': `import { B } from './heap/b.js';` })).toHaveLength(1);
    expect(violations({ 'store/memory/a.ts': `import { B } from '../index.js';` })).toHaveLength(1);
  });

  it.each([
    ['nestjs-session-beans/store-kit', 'a.ts', []],
    ['nestjs-session-beans', 'a.ts', [expect.stringContaining('may not')]],
    ['nestjs-session-beans/testing', 'a.ts', [expect.stringContaining('may not')]],
    ['nestjs-session-beans/testing', 'a.spec.ts', []],
    ['../../session/src/store/session-id.js', 'a.ts', [expect.stringContaining('outside of its package')]],
    ['../../session/src/store/session-id.js', 'a.spec.ts', [expect.stringContaining('outside of its package')]],
  ])('judge %s in %s of the replicated store', (specifier, file, expected) => {
    const sources = new Map([[`${replicated}/${file}`, `import { B } from '${specifier}';`]]);

    expect(importViolations(sources)).toEqual(expected);
  });

  it.each([
    ['copy/a.ts', '../protocol/b.js'],
    ['members/a.ts', '../copy/b.js'],
    ['protocol/a.ts', '../take-over/b.js'],
    ['take-over/a.ts', '../upkeep/b.js'],
    ['transports/tcp/a.ts', '../grpc/b.js'],
    ['transports/credentials/a.ts', '../wire/b.js'],
    ['transports/wire/a.ts', '../../protocol/b.js'],
  ])('refuse %s of the replicated store importing %s', (file, specifier) => {
    const sources = new Map([[`${replicated}/${file}`, `import type { B } from '${specifier}';`]]);

    expect(importViolations(sources)).toEqual([expect.stringContaining('may not import')]);
  });

  it('keep the replicated store out of the core', () => {
    expect(violations({ 'store/a.ts': `import { B } from 'nestjs-session-beans-replicated';` })).toEqual([
      expect.stringContaining('may not'),
    ]);
  });

  it('keep the sample out of the insides of the packages', () => {
    const sources = new Map([['src/main.ts', `import { B } from '../libs/session/src/bean/b.js';`]]);

    expect(importViolations(sources)).toEqual([expect.stringContaining('by their names only')]);
  });

  it('leave specs alone inside their package', () => {
    expect(violations({ 'errors/a.spec.ts': `import { B } from '../http/b.js';` })).toEqual([]);
    expect(
      importViolations(new Map([[`${replicated}/a.spec.ts`, `import { B } from '../../../test/b.js';`]])),
    ).toHaveLength(1);
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
