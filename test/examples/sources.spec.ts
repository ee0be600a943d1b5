import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { compileBlocks } from '../docs/compile-blocks.js';
import { examples } from './example.js';

const root = join(import.meta.dirname, '../..');

describe('the applications in examples', () => {
  it('compile against the sources of the library', () => {
    expect(examples.length).toBeGreaterThan(0);
    expect(compileBlocks(root, new Map(examples.flatMap((example) => example.sources())))).toBe('');
  });

  it.each(examples)('ask for this release, and show what they do: $name', (example) => {
    const { version } = JSON.parse(readFileSync(join(root, 'libs/session/package.json'), 'utf8')) as {
      version: string;
    };
    expect(example.manifest.dependencies['nestjs-session-beans']).toBe(`^${version}`);
    expect(example.dialogues().flat()).not.toEqual([]);
  });
});
