import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import ts from 'typescript';
import { PACKAGES } from '../packages/pack.js';

const root = join(import.meta.dirname, '../..');

interface PublicName {
  readonly name: string;
  /** A class or a function, and not only its type. */
  readonly isCode: boolean;
  readonly comment: string;

  /** In its own comment, or in one of a member. */
  readonly hasExample: boolean;
}

describe('the doc comments of the public names', () => {
  const names = entries().flatMap(publicNames);
  // A store's author reads one example for all of that entry: docs/stores/writing-a-store.md.
  const used = entries()
    .filter((path) => !path.endsWith('/store/index.ts'))
    .flatMap(publicNames);

  it('are read from all entries', () => {
    const found = names.map(({ name }) => name);

    expect(found).toEqual(expect.arrayContaining(['SessionModule', 'HttpSession', 'RedisSessionStore', 'Merge']));
    expect(found).toEqual(expect.arrayContaining(['ReplicatedSessionStore', 'createTestSession']));
  });

  it('say what each is', () => {
    expect(names.filter(({ comment }) => comment.trim() === '').map(({ name }) => name)).toEqual([]);
  });

  it('show by an example how each class, function and decorator is used', () => {
    const withoutExample = used.filter(({ isCode, hasExample }) => isCode && !hasExample);

    expect(withoutExample.map(({ name }) => name).toSorted()).toEqual([]);
  });
});

/** The index files behind the `exports` of the packages. */
function entries(): string[] {
  return Object.values(PACKAGES).flatMap((folder) => {
    const { exports } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest;
    const types = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : [entry.types]));
    return types.map((it) => join(root, folder, it.replace('./dist/', 'src/').replace('.d.ts', '.ts')));
  });
}

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string }>>;
}

/** What a file exports, itself or from the files it names. */
function publicNames(path: string): PublicName[] {
  return parse(path).statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement) || !statement.moduleSpecifier) return declared(statement);
    const { text } = statement.moduleSpecifier as ts.StringLiteral;
    const source = resolve(dirname(path), text.replace(/[.]js$/, '.ts'));
    const all = publicNames(source);
    const { exportClause } = statement;
    if (!exportClause || !ts.isNamedExports(exportClause)) return all;
    return exportClause.elements.map(({ name, propertyName, isTypeOnly }) => {
      const found = all.find((it) => it.name === (propertyName ?? name).text);
      if (!found) throw new Error(`${source} exports no ${name.text}`);
      return isTypeOnly || statement.isTypeOnly ? { ...found, isCode: false } : found;
    });
  });
}

function declared(statement: ts.Statement): PublicName[] {
  if (!ts.canHaveModifiers(statement)) return [];
  if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  const isCode = ts.isClassDeclaration(statement) || ts.isFunctionDeclaration(statement);
  const declarations = ts.isVariableStatement(statement) ? statement.declarationList.declarations : [statement];
  const comment = ts
    .getJSDocCommentsAndTags(statement)
    .map((it) => it.getText())
    .join('\n');
  const hasExample = /@example|^ *[*] ```/m.test(statement.getFullText());
  return declarations.flatMap((declaration) => {
    const name = (declaration as ts.NamedDeclaration).name?.getText();
    return name ? [{ name, isCode, comment, hasExample }] : [];
  });
}

function parse(path: string): ts.SourceFile {
  return ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true);
}
