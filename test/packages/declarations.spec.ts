import { describe, expect, it } from '@jest/globals';
import { join } from 'node:path';
import ts from 'typescript';

const dist = join(import.meta.dirname, '../../libs/session/dist');

describe('the declarations of the built package', () => {
  it('are correct for users with stricter settings than ours, who check libraries too', () => {
    const entries = ['', 'observability/', 'redis/', 'replicated/', 'replicated/grpc/', 'testing/'].map((entry) =>
      join(dist, entry, 'index.d.ts'),
    );
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

    expect(own.length).toBeGreaterThan(1);
    expect(messages).toEqual([]);
  });
});
