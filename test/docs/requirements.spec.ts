import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/** A row of the tables: which tests prove what the ids name, or why there is none. */
interface Row {
  readonly ids: readonly string[];
  readonly proof: string;
}

const rows: readonly Row[] = ['docs/security-requirements.md', 'docs/faults.md', 'docs/security.md'].flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^\| ([A-Z]\d+(?:, [A-Z]\d+)*|\d\.\d\.\d) \|.*\| ([^|]*) \|$/gm)].map(
    ([, ids = '', proof = '']) => ({ ids: ids.split(', '), proof }),
  ),
);

/** `e2e/login`: the specs of that name below `test`, or beside the sources. */
function specsNamed(name: string): string[] {
  const folders = ['test', 'libs/session/src', name.startsWith('replicated/') ? 'libs' : ''].filter(Boolean);
  return folders.flatMap((folder) => {
    const path = posix.join(folder, folder === 'libs' ? name.replace('replicated/', 'replicated/src/') : name);
    const beside = posix.dirname(path);
    if (!existsSync(beside)) return [];
    return readdirSync(beside)
      .filter((file) => file.startsWith(`${posix.basename(path)}.`) && file.endsWith('spec.ts'))
      .map((file) => posix.join(beside, file));
  });
}

const testsOf = ({ proof }: Row): string[] => [...proof.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

/** In a text of the spec, which its titles are, not in a comment. */
const names = (spec: string, id: string): boolean =>
  new RegExp(`['"\`][^'"\`\\n]*\\b${id}\\b`).test(readFileSync(spec, 'utf8'));

const isReason = (row: Row): boolean => testsOf(row).length === 0 && row.proof.length > 40;

const all = (letter: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);

describe('the tables of requirements and faults', () => {
  it('name specs that exist', () => {
    const missing = rows.flatMap((row) => testsOf(row).filter((name) => specsNamed(name).length === 0));
    expect(missing).toEqual([]);
    expect(rows.length).toBeGreaterThan(150);
  });

  it.each([...all('R', 50), ...all('F', 40)])('have a test that names %s, or the reason why there is none', (id) => {
    const row = rows.find(({ ids }) => ids.includes(id)) ?? { ids: [], proof: '' };
    const specs = testsOf(row).flatMap(specsNamed);
    const isProven = isReason(row) || specs.some((spec) => names(spec, id));
    expect({ row, isProven }).toMatchObject({ isProven: true });
  });

  it('have each requirement of V7 and V3.3 of ASVS 5.0, with a test or the reason why it is not ours', () => {
    const asvs = rows.filter(({ ids: [id = ''] }) => /^\d/.test(id));
    // How many requirements each section has in the published text.
    const sections = { '7.1': 3, '7.2': 4, '7.3': 2, '7.4': 5, '7.5': 3, '7.6': 2, '3.3': 5 };
    const ids = Object.entries(sections).flatMap(([section, count]) => all(`${section}.`, count));
    expect(asvs.map(({ ids: [id] }) => id)).toEqual(ids);
    expect(asvs.filter((row) => testsOf(row).length === 0 && !isReason(row))).toEqual([]);
  });
});
