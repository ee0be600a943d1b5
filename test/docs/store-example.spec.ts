import { afterAll } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { typeScriptBlocks } from './typescript-blocks.js';

// The store that `docs/stores/writing-a-store.md` shows passes the contract suite: its spec runs as a reader gets it,
// but with jest in place of node:test.

const page = join(import.meta.dirname, '../../docs/stores/writing-a-store.md');
const folder = mkdtempSync(join(tmpdir(), 'store-example-'));
afterAll(() => rmSync(folder, { recursive: true }));

for (const { name, text } of typeScriptBlocks(readFileSync(page, 'utf8'))) {
  writeFileSync(join(folder, name), text.replace(`from 'node:test'`, `from '@jest/globals'`));
}
await import(join(folder, 'table-session-store.spec.ts'));
