import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

describe.each(['session', 'replicated'])('the tarball of libs/%s', (folder) => {
  const library = join(import.meta.dirname, '../../libs', folder);
  let files: string[];

  beforeAll(() => {
    const report = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: library, encoding: 'utf8' });
    const [pack] = JSON.parse(report) as { files: { path: string }[] }[];
    files = pack?.files.map(({ path }) => path) ?? [];
  });

  it('holds dist, the README and the licence, and nothing else', () => {
    const others = files.filter((path) => !path.startsWith('dist/'));

    expect(others.toSorted()).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(files).toContain('dist/index.js');
  });

  it('holds code, its declarations and Lua scripts, but no specs and no source maps', () => {
    expect(files.filter((path) => path.startsWith('dist/') && !/\.(js|d\.ts|lua)$/.test(path))).toEqual([]);
    expect(files.filter((path) => path.includes('spec.'))).toEqual([]);
    expect(files.filter((path) => path.endsWith('.lua')).length > 0).toBe(folder === 'session');
  });
});

describe('the README of libs/replicated', () => {
  it('links to files of the tarball only', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../libs/replicated/README.md'), 'utf8');
    const links = [...readme.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);

    expect(links).toEqual(['LICENSE']);
  });
});
