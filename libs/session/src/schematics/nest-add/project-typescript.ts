import { createRequire } from 'node:module';
import { join } from 'node:path';

export type TypeScript = typeof import('typescript');

/**
 * The compiler to read the project's sources with. The package itself does not depend on one.
 *
 * It is the project's own, or that of the Nest CLI where the project has none with an API: TypeScript 7 has no parser
 * for JavaScript programs.
 */
export function projectTypeScript(): TypeScript {
  for (const requireFrom of [fromProject, fromNestCli, fromRunningCli]) {
    try {
      const compiler = requireFrom()('typescript') as Partial<TypeScript>;
      if (compiler.createSourceFile) return compiler as TypeScript;
    } catch {
      // It is not installed there.
    }
  }
  throw new Error('nest add needs TypeScript 5 or 6 to read the root module: npm i -D typescript@6');
}

function fromProject(): NodeJS.Require {
  return createRequire(join(process.cwd(), 'package.json'));
}

function fromNestCli(): NodeJS.Require {
  return createRequire(fromProject().resolve('@nestjs/cli/package.json'));
}

/** Also one that is installed for all projects. */
function fromRunningCli(): NodeJS.Require {
  return createRequire(process.argv[1] ?? '');
}
