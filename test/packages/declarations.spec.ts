import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const libs = join(import.meta.dirname, '../../libs');

describe('the declarations of the built packages', () => {
  it.each(['session', 'replicated'])(
    '%s: are correct for users with stricter settings than ours, who check libraries too',
    (folder) => {
      const dist = join(libs, folder, 'dist');
      const program = ts.createProgram(entriesOf(folder), {
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

      expect(own.length).toBeGreaterThan(1);
      expect(messages).toEqual([]);
    },
  );
});

/** The declaration files that the `exports` of a package name. */
function entriesOf(folder: string): string[] {
  const manifest = JSON.parse(readFileSync(join(libs, folder, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { types: string }>;
  };
  const entries = Object.values(manifest.exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
  return entries.map((path) => join(libs, folder, path));
}
