import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const library = join(import.meta.dirname, '../../libs/session');

describe('the tarball', () => {
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

  it('holds code, its declarations, source maps and Lua scripts, but no specs', () => {
    expect(files.filter((path) => path.startsWith('dist/') && !/\.(js|js\.map|d\.ts|lua)$/.test(path))).toEqual([]);
    expect(files.filter((path) => path.includes('spec.'))).toEqual([]);
    expect(files).toContain('dist/store/redis/lua/save-2.lua');
  });

  it('carries the sources inside its source maps', () => {
    const maps = files.filter((path) => path.endsWith('.map'));
    const withoutSources = maps.filter((path) => {
      const map = JSON.parse(readFileSync(join(library, path), 'utf8')) as { sourcesContent?: string[] };
      return !map.sourcesContent?.every((source) => typeof source === 'string');
    });

    expect(maps.length).toBeGreaterThan(0);
    expect(withoutSources).toEqual([]);
  });
});
