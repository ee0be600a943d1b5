import { afterAll } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { typeScriptBlocks } from './typescript-blocks.js';

// The specs of `docs/testing.md` run as a reader gets them, and pass.

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'testing-examples-'));
afterAll(() => rmSync(folder, { recursive: true }));

symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
const blocks = typeScriptBlocks(readFileSync(join(root, 'docs/testing.md'), 'utf8'));
for (const { name, text } of blocks) writeFileSync(join(folder, name), text);
for (const { name } of blocks) if (name.endsWith('spec.ts')) await import(join(folder, name));
