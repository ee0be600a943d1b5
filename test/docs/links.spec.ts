import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { brokenLinks } from '../packages/broken-links.js';

const root = join(import.meta.dirname, '../..');

describe('the links of all Markdown files of the repository', () => {
  it('lead to a file, and to a heading of it', () => {
    const pages = execFileSync('git', ['ls-files', '-z', '*.md'], { cwd: root, encoding: 'utf8' }).split('\0');
    const present = pages.filter((page) => page !== '' && existsSync(join(root, page)));

    expect(present).toEqual(expect.arrayContaining(['README.md', 'docs/beans.md', 'deploy/README.md']));
    // Its package gets its LICENSE when it is packed.
    const broken = brokenLinks(root, present).filter((link) => link !== 'libs/replicated/README.md: LICENSE');
    expect(broken).toEqual([]);
  });
});
