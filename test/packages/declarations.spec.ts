import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const root = join(import.meta.dirname, '../../libs/session');
const dist = join(root, 'dist');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  exports: Record<string, { types?: string }>;
};

describe('the declarations of the built package', () => {
  it('are correct for users with stricter settings than ours, who check libraries too', () => {
    const entries = Object.values(manifest.exports).flatMap(({ types }) => (types ? join(root, types) : []));
    const program = ts.createProgram(entries, {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      noPropertyAccessFromIndexSignature: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      types: ['node'],
      noEmit: true,
    });
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(dist));
    const diagnostics = own.flatMap((file) => ts.getPreEmitDiagnostics(program, file));

    const messages = diagnostics.map(({ file, messageText }) => [
      file?.fileName,
      ts.flattenDiagnosticMessageText(messageText, '\n'),
    ]);

    expect(entries.length).toBeGreaterThan(1);
    expect(own.length).toBeGreaterThanOrEqual(entries.length);
    expect(messages).toEqual([]);
  });
});
