import { describe, expect, it } from '@jest/globals';
import { readFileSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The cells of the rows of the table in docs/compatibility.md: packages, releases, what we do, tests. */
function rows(): string[][] {
  const [, section = ''] = read('docs/compatibility.md').split('## Beside other packages');
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(1).map((line) => line.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, '')));
}

describe('the table of other packages', () => {
  it('names the releases that the tests have', () => {
    const installed = ['graphql', 'integrations'].flatMap((folder) => {
      const manifest = JSON.parse(read(`test/compat/${folder}/package.json`)) as {
        dependencies: Record<string, string>;
      };
      return Object.entries(manifest.dependencies);
    });
    const named = installed.flatMap(([name, release]) =>
      rows()
        .filter(([packages = '']) => packages.split(/[ ,]+/).includes(name))
        .map(([, releases = '']) => [name, releases.split(', ').includes(release) ? 'named' : release]),
    );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter(([, release]) => release !== 'named')).toEqual([]);
  });

  it('names tests that are there', () => {
    const named = rows().flatMap(([, , , tests = '']) =>
      [...tests.matchAll(/`([^`]+)`/g)].map(([, name = '']) =>
        name.includes('/') ? name : `compat/integrations/${name}`,
      ),
    );
    const isThere = (path: string): boolean =>
      readdirSync(join(root, 'test', dirname(path))).some(
        (file) => file.startsWith(`${basename(path)}.`) || file === basename(path),
      );
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((path) => !isThere(path))).toEqual([]);
  });
});
