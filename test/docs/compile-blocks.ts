import { join } from 'node:path';
import ts from 'typescript';

/** Packages that blocks and examples import, and the root does not have. */
const INSTALLED: Readonly<Record<string, string>> = {
  '@nestjs/apollo': 'graphql/node_modules/@nestjs/apollo/dist/index.d.ts',
  '@nestjs/bullmq': 'integrations/node_modules/@nestjs/bullmq/dist/index.d.ts',
  '@nestjs/cache-manager': 'integrations/node_modules/@nestjs/cache-manager/dist/index.d.ts',
  '@nestjs/cqrs': 'integrations/node_modules/@nestjs/cqrs/dist/index.d.ts',
  '@nestjs/graphql': 'graphql/node_modules/@nestjs/graphql/dist/index.d.ts',
  '@nestjs/passport': 'integrations/node_modules/@nestjs/passport/dist/index.d.ts',
  '@nestjs/schedule': 'integrations/node_modules/@nestjs/schedule/dist/index.d.ts',
  '@nestjs/throttler': 'integrations/node_modules/@nestjs/throttler/dist/index.d.ts',
  bullmq: 'integrations/node_modules/bullmq/dist/esm/index.d.ts',
  'csrf-csrf': 'integrations/node_modules/csrf-csrf/dist/index.d.ts',
  'express-session': 'integrations/node_modules/@types/express-session/index.d.ts',
  'passport-local': 'integrations/node_modules/@types/passport-local/index.d.ts',
  passport: 'integrations/node_modules/@types/passport/index.d.ts',
  express: 'integrations/node_modules/@types/express/index.d.ts',
  'nest-commander': 'integrations/node_modules/nest-commander/src/index.d.ts',
};

/** Compiles modules with the settings of the workspace, against the library's sources. They need not be on disk. */
export function compileBlocks(root: string, modules: ReadonlyMap<string, string>): string {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  for (const [name, types] of Object.entries(INSTALLED)) {
    options.paths = { ...options.paths, [name]: [join(root, 'test/compat', types)] };
  }
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    // The folder of a page's modules is the page, a file on disk.
    directoryExists: () => true,
    fileExists: (path) => modules.has(path) || disk.fileExists(path),
    readFile: (path) => modules.get(path) ?? disk.readFile(path),
    getSourceFile(path, languageVersion, ...rest) {
      const text = modules.get(path);
      if (text === undefined) return disk.getSourceFile(path, languageVersion, ...rest);
      return ts.createSourceFile(path, text, languageVersion);
    },
  };

  const program = ts.createProgram([...modules.keys()], options, host);
  const diagnostics = [...modules.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)];
  });
  return ts.formatDiagnostics(diagnostics, host);
}
