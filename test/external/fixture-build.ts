import { transformFileSync } from '@swc/core';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * Compiles a fixture application and the current library into a temporary directory, from which tests start server
 * processes. The test removes it.
 */
export class FixtureBuild {
  private readonly directory: string;

  /** @param fixture folder of the application, with a `main.ts` */
  constructor(fixture = join(import.meta.dirname, 'fixture')) {
    const cache = join(packagesOf(fixture), '.cache');
    mkdirSync(cache, { recursive: true });
    this.directory = mkdtempSync(join(cache, 'session-beans-fixture-'));
    writeFileSync(join(this.directory, 'package.json'), '{ "type": "module" }');
    compile(fixture, this.directory);
    const library = join(this.directory, 'node_modules/nestjs-session-beans');
    compile(join(root, 'libs/session/src'), join(library, 'dist'));
    writeFileSync(join(library, 'package.json'), readFileSync(join(root, 'libs/session/package.json')));
  }

  get main(): string {
    return join(this.directory, 'main.js');
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The folder that has the packages that a fixture imports: what is compiled has to find them, too. */
function packagesOf(folder: string): string {
  const packages = join(folder, 'node_modules');
  return existsSync(packages) ? packages : packagesOf(dirname(folder));
}

function compile(from: string, to: string): void {
  for (const file of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
    const target = join(to, file.replace(/\.ts$/, '.js'));
    if (file.endsWith('.lua')) cpSync(join(from, file), target, { recursive: true });
    if (!file.endsWith('.ts') || file.endsWith('spec.ts')) continue;
    const { code } = transformFileSync(join(from, file), {
      swcrc: false,
      module: { type: 'es6' },
      jsc: {
        target: 'es2022',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        keepClassNames: true,
      },
    });
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
  }
}
