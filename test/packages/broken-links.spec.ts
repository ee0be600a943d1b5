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
    writeFileSync(join(directory, 'README.md'), '[page](docs/page.md#part) [folder](docs) [missing](docs/missing.md)');
    writeFileSync(join(directory, 'docs/page.md'), '[back](../README.md) ![image](image.svg) [outside](../../)');
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  it('finds links to missing files and links that leave the directory', () => {
    expect(brokenLinks(directory).toSorted()).toEqual([
      'README.md: docs/missing.md',
      'docs/page.md: ../../',
      'docs/page.md: image.svg',
    ]);
  });

  it('reads links with code as text, images inside links, reference definitions and HTML', () => {
    const markdown = '[`code`](a.md)\n[![image](b.svg)](c.md)\n[d]: d.md\n<img src="e.svg"> <a href="f.md#part">';

    expect(relativeLinks(markdown).toSorted()).toEqual(['a.md', 'b.svg', 'c.md', 'd.md', 'e.svg', 'f.md']);
  });

  it('skips addresses, anchors and code', () => {
    expect(relativeLinks('[a](https://a.example) [b](#b) `[c](c.md)`\n```md\n[d](d.md)\n```\n')).toEqual([]);
  });
});
