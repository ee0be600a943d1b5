import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileBlocks } from './compile-blocks.js';
import { typeScriptBlocks } from './typescript-blocks.js';

const root = join(import.meta.dirname, '../..');

describe('README.md', () => {
  it('has at most 200 lines', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });

  it('shows TypeScript', () => {
    expect(typeScriptBlocks(read('README.md')).some(({ skipped }) => !skipped)).toBe(true);
  });
});

/** The pages by task, in the order in which a user comes to need them. Others are references, reports and policies. */
const TASKS = [
  'quick-start',
  'beans',
  'session',
  'options',
  'conflicts',
  'choosing',
  'testing',
  'login',
  'passport',
  'administration',
  'browsers',
  'responses',
  'middleware',
  'jobs',
  'one-call',
  'graphql',
  'websockets',
  'stores/README',
  'stores/redis',
  'stores/postgres',
  'stores/sqlite',
  'near-cache',
  'replication',
  'proxies',
  'kubernetes',
  'serverless',
  'schema-changes',
  'observability',
  'troubles',
  'performance',
  'security',
  'from-express-session',
  'from-fastify-session',
  'request-session',
  'architecture',
].map((name) => `docs/${name}.md`);

describe('each page of a task', () => {
  it.each([...TASKS, 'CONTRIBUTING.md'])('begins with TypeScript that compiles: %s', (page) => {
    const [beginning = ''] = read(page).split(/^## /m);

    expect(typeScriptBlocks(beginning).some(({ skipped }) => !skipped)).toBe(true);
  });
});

describe('the TypeScript blocks of the READMEs and docs', () => {
  it('compile', () => {
    const modules = new Map(pages().flatMap((page) => modulesOf(page, read(page))));

    expect(compileBlocks(root, modules)).toBe('');
  });

  it('are left out only when they are a few lines that are no module', () => {
    const leftOut = pages().flatMap((page) => typeScriptBlocks(read(page)).filter(({ skipped }) => skipped));
    const modules = leftOut.filter(
      ({ text }) => text.trim().split('\n').length > 6 || /^\s*(import|export|@)/m.test(text),
    );

    expect(modules.map(({ name }) => name)).toEqual([]);
  });
});

describe('the compilation of blocks', () => {
  it('lets a block import a named one, with a preface that the reader does not see', () => {
    const page =
      block('// answer.ts', 'export const answer = 42;') +
      preface(`import { answer } from './answer.js';`) +
      block('answer + 1;');

    expect(compile(page)).toBe('');
  });

  it('names page and line of what is wrong', () => {
    const page = `# Title\n\n${block('const text: string = 1;')}`;

    expect(compile(page)).toMatch(/page\.md\/line-3\.ts\(4,7\): error TS2322/);
  });

  it('knows the package by its name', () => {
    expect(compile(block(`import { NoSuchThing } from 'nestjs-session-beans';`))).toContain('no exported member');
  });
});

function compile(page: string): string {
  return compileBlocks(root, new Map(modulesOf('page.md', page)));
}

function modulesOf(page: string, markdown: string): [path: string, text: string][] {
  return typeScriptBlocks(markdown)
    .filter(({ skipped }) => !skipped)
    .map(({ name, text }) => [join(root, page, name), text]);
}

function pages(): string[] {
  const docs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return [
    'README.md',
    'CONTRIBUTING.md',
    'libs/replicated/README.md',
    ...docs.filter((file) => file.endsWith('.md')).map((file) => join('docs', file)),
  ];
}

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

function block(...lines: string[]): string {
  return ['```ts', ...lines, '```', ''].join('\n');
}

function preface(line: string): string {
  return ['<!-- ts', line, '-->', ''].join('\n');
}
