import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brokenLinks, relativeLinks } from './broken-links.js';

describe('the search for broken links', () => {
  let directory: string;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'links-'));
    mkdirSync(join(directory, 'docs'));
    writeFileSync(
      join(directory, 'README.md'),
      '[page](docs/page.md#a-part) [folder](docs) [missing](docs/missing.md)',
    );
    const headings = '# The `page`, of [links](a.md)\n\n## A part\n\n## A part\n\n```md\n# No heading\n```\n';
    writeFileSync(join(directory, 'docs/page.md'), `${headings}[back](../README.md) ![image](image.svg) [out](../../)`);
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('finds links to missing files and links that leave the directory', () => {
    expect(brokenLinks(directory).toSorted()).toEqual([
      'README.md: docs/missing.md',
      'docs/page.md: ../../',
      'docs/page.md: a.md',
      'docs/page.md: image.svg',
    ]);
  });

  it('finds anchors of no heading, in the page itself and in another one', () => {
    const links = ['#the-page-of-links', '#a-part-1', 'page.md#a-part', '#a-part-2', 'page.md#No heading', '../docs#x'];
    writeFileSync(join(directory, 'docs/anchors.md'), links.map((it) => `[a](<${it}>)`).join('\n'));
    writeFileSync(join(directory, 'docs/own.md'), '# Own\n[a](#own) [b](#other)\n');

    expect(brokenLinks(directory, ['docs/own.md'])).toEqual(['docs/own.md: #other']);
    expect(brokenLinks(directory, ['docs/anchors.md'])).toEqual([
      'docs/anchors.md: #the-page-of-links',
      'docs/anchors.md: #a-part-1',
      'docs/anchors.md: #a-part-2',
      'docs/anchors.md: page.md#No',
      'docs/anchors.md: ../docs#x',
    ]);
  });

  it('reads links with code as text, images inside links, reference definitions and HTML', () => {
    const markdown = '[`code`](a.md)\n[![image](b.svg)](c.md)\n[d]: d.md\n<img src="e.svg"> <a href="f.md#part">';

    expect(relativeLinks(markdown).toSorted()).toEqual(['a.md', 'b.svg', 'c.md', 'd.md', 'e.svg', 'f.md#part']);
  });

  it('skips addresses and code', () => {
    expect(relativeLinks('[a](https://a.example) `[c](c.md)`\n```md\n[d](d.md)\n```\n')).toEqual([]);
  });
});
