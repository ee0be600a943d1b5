import type { Tree } from '@angular-devkit/schematics';
import { posix } from 'node:path';

/** Has jest compile the package: jest gives its modules to CommonJS, which `require` no ES module there. */
const LINE = 'node_modules/(?!.*nestjs-session-beans)';

export const JEST_LINE = `"transformIgnorePatterns": ["${LINE}"]`;

interface JestSettings {
  readonly transformIgnorePatterns?: readonly string[];
}

/** What has to happen to the configurations of jest: new texts by path, and files to change by hand. */
export interface JestChanges {
  readonly written: ReadonlyMap<string, string>;
  readonly byHand: readonly string[];
}

/** Adds the line to the configurations of jest, which only projects of CommonJS need. */
export function withJestLine(tree: Tree, sourceRoot: string): JestChanges {
  const written = new Map<string, string>();
  const byHand: string[] = [];
  if (manifestOf(tree).type === 'module') return { written, byHand };
  const project = posix.dirname(sourceRoot);
  for (const path of new Set(['package.json', 'test/jest-e2e.json', posix.join(project, 'test/jest-e2e.json')])) {
    if (!tree.exists(path)) continue;
    const text = tree.readText(path);
    const settings = JSON.parse(text) as JestSettings & { jest?: JestSettings };
    const jest = path === 'package.json' ? settings.jest : settings;
    if (typeof jest !== 'object' || isThere(jest)) continue;
    if (jest.transformIgnorePatterns) byHand.push(path);
    else {
      Object.assign(jest, { transformIgnorePatterns: [LINE] });
      written.set(path, asJson(settings, text));
    }
  }
  for (const extension of ['js', 'cjs', 'mjs', 'ts']) {
    for (const path of new Set([`jest.config.${extension}`, posix.join(project, `jest.config.${extension}`)])) {
      if (tree.exists(path) && !tree.readText(path).includes('nestjs-session-beans')) byHand.push(path);
    }
  }
  return { written, byHand };
}

function isThere({ transformIgnorePatterns = [] }: JestSettings): boolean {
  return transformIgnorePatterns.some((it) => it.includes('nestjs-session-beans'));
}

export interface Manifest {
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function manifestOf(tree: Tree): Manifest {
  return JSON.parse(tree.readText('package.json')) as Manifest;
}

/** With the indentation of the text it takes the place of. */
export function asJson(value: object, before: string): string {
  return `${JSON.stringify(value, null, /^[ \t]+/m.exec(before)?.[0] ?? 2)}\n`;
}
