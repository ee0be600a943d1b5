import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const sources = ['libs/session/src', 'libs/replicated/src'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.spec.ts'))
    .map((path) => readFileSync(`${folder}/${path}`, 'utf8')),
);

describe('the table of risky settings', () => {
  it('has every code that the packages tell, and no other', () => {
    const told = sources.flatMap((text) =>
      [...text.matchAll(/\bcode: '([a-z]+(?:-[a-z]+)+)',\s+severity: /g)].map(([, code]) => code),
    );
    const section = readFileSync('docs/security.md', 'utf8')
      .split(/^## /m)
      .find((part) => part.startsWith('Risky'));
    const rows = [...(section ?? '').matchAll(/^\| (`.*?`) \| (?:high|medium|low)/gm)];
    const listed = rows.flatMap(([, codes = '']) => codes.split(', ').map((code) => code.slice(1, -1)));

    expect(told.length).toBeGreaterThan(20);
    expect(new Set(told)).toEqual(new Set(listed));
    expect(listed).toHaveLength(new Set(listed).size);
  });
});
