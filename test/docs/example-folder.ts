import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { typeScriptBlocks } from './typescript-blocks.js';

const root = join(import.meta.dirname, '../..');

/** The TypeScript blocks of a page as the files that they name, for tests that run them. Remove it. */
export class ExampleFolder {
  readonly path: string;
  readonly names: readonly string[];
  private readonly directory = mkdtempSync(join(tmpdir(), 'examples-'));

  /**
   * @param page path in the repository
   * @param packages a folder whose packages the blocks may import, besides those of the root
   */
  constructor(page: string, packages = '.') {
    // Packages are looked for from the inside out.
    this.path = join(this.directory, 'of/page');
    mkdirSync(this.path, { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(this.directory, 'node_modules'));
    symlinkSync(join(root, packages, 'node_modules'), join(this.directory, 'of/node_modules'));
    const blocks = typeScriptBlocks(readFileSync(join(root, page), 'utf8'));
    for (const { name, text } of blocks) writeFileSync(join(this.path, name), text);
    this.names = blocks.map(({ name }) => name);
  }

  import<T = unknown>(name: string): Promise<T> {
    return import(join(this.path, name)) as Promise<T>;
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
