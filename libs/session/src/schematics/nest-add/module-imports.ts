import type ts from 'typescript';
import { importedNames, UnusualProject } from './application.js';
import type { TypeScript } from './project-typescript.js';

/** What the imports of a module get. */
export interface ModuleImport {
  /** An expression, such as `SessionModule.forRoot()`. */
  readonly expression: string;
  /** The names it needs, by the modules that export them. */
  readonly names: Readonly<Record<string, string>>;
}

interface Insertion {
  readonly at: number;
  readonly text: string;
}

/**
 * The text of a file in which a module imports more. All else stays as it was written: quotes, semicolons, comments.
 *
 * @throws UnusualProject when the decorator or its list is no literal
 */
export function withModuleImports(
  compiler: TypeScript,
  file: ts.SourceFile,
  className: string,
  added: readonly ModuleImport[],
): string {
  const metadata = moduleMetadata(compiler, file, className);
  const expressions = added.map(({ expression }) => expression);
  const insertions = [...importStatements(compiler, file, added), ...listInsertions(compiler, metadata, expressions)];
  const endOfLine = file.text.includes('\r\n') ? '\r\n' : '\n';
  let [text, from] = ['', 0];
  for (const { at, text: inserted } of insertions.toSorted((a, b) => a.at - b.at)) {
    text += file.text.slice(from, at) + inserted.replaceAll('\n', endOfLine);
    from = at;
  }
  return text + file.text.slice(from);
}

/** The object given to `@Module()`. */
function moduleMetadata(compiler: TypeScript, file: ts.SourceFile, className: string): ts.ObjectLiteralExpression {
  const classes = file.statements.filter(compiler.isClassDeclaration);
  const found =
    classes.find((it) => it.name?.text === className) ?? classes.find((it) => isDefault(compiler, it, className));
  if (!found) throw new UnusualProject(`${file.fileName} declares no class ${className}`);
  const decorators = importedNames(compiler, file).filter((it) => it.from === '@nestjs/common' && it.name === 'Module');
  const calls = (compiler.getDecorators(found) ?? [])
    .map(({ expression }) => expression)
    .filter(compiler.isCallExpression);
  const call = calls.find(({ expression }) => decorators.some(({ local }) => local === expression.getText()));
  const [metadata] = call?.arguments ?? [];
  if (!metadata || !compiler.isObjectLiteralExpression(metadata)) {
    throw new UnusualProject(`${file.fileName} has no @Module({ … }) of @nestjs/common on its class ${className}`);
  }
  return metadata;
}

function isDefault(compiler: TypeScript, declaration: ts.ClassDeclaration, className: string): boolean {
  const isExported = declaration.modifiers?.some(({ kind }) => kind === compiler.SyntaxKind.DefaultKeyword) ?? false;
  return className === 'default' && isExported;
}

function importStatements(compiler: TypeScript, file: ts.SourceFile, added: readonly ModuleImport[]): Insertion[] {
  const imports = file.statements.filter(compiler.isImportDeclaration);
  const last = imports.at(-1);
  const quote = last?.moduleSpecifier.getText().startsWith('"') ? '"' : "'";
  const semicolon = last && !last.getText().endsWith(';') ? '' : ';';
  const present = importedNames(compiler, file);
  const missing = added
    .flatMap(({ names }) => Object.entries(names))
    .filter(([name, from]) => !present.some((it) => it.local === name && it.from === from));
  const taken = missing.find(([name]) => present.some((it) => it.local === name));
  if (taken) throw new UnusualProject(`${file.fileName} uses the name ${taken[0]} for something else`);
  const statements = missing.map(([name, from]) => `import { ${name} } from ${quote}${from}${quote}${semicolon}`);
  if (!last) return [{ at: 0, text: statements.map((it) => `${it}\n`).join('') }];
  return [{ at: last.getEnd(), text: statements.map((it) => `\n${it}`).join('') }];
}

function listInsertions(
  compiler: TypeScript,
  metadata: ts.ObjectLiteralExpression,
  expressions: readonly string[],
): Insertion[] {
  const file = metadata.getSourceFile();
  const named = metadata.properties.find((it) => it.name?.getText().replaceAll(/['"]/g, '') === 'imports');
  if (!named) {
    // What is spread may bring imports, which a new property would hide.
    if (metadata.properties.some(compiler.isSpreadAssignment)) {
      throw new UnusualProject(`${file.fileName} spreads other metadata into @Module()`);
    }
    const indent = indentAt(file, metadata.getStart());
    const list = `imports: [${listed(expressions, `${indent}  `)}]`;
    const hasMore = metadata.properties.length > 0;
    return [{ at: metadata.getStart() + 1, text: `\n${indent}  ${list},${hasMore ? '' : `\n${indent}`}` }];
  }
  if (!compiler.isPropertyAssignment(named) || !compiler.isArrayLiteralExpression(named.initializer)) {
    throw new UnusualProject(`the imports of @Module() in ${file.fileName} are no list in brackets`);
  }
  return appended(file, named.initializer, expressions);
}

/** Behind the last element and its comments. */
function appended(file: ts.SourceFile, list: ts.ArrayLiteralExpression, expressions: readonly string[]): Insertion[] {
  const indent = indentAt(file, list.getStart());
  const inside = file.text.slice(list.getStart() + 1, list.getEnd() - 1);
  const end = list.getStart() + 1 + inside.trimEnd().length;
  if (inside.trim() === '') return [{ at: list.getStart() + 1, text: listed(expressions, indent) }];
  const last = list.elements.at(-1);
  const comma = last && !list.elements.hasTrailingComma ? [{ at: last.getEnd(), text: ',' }] : [];
  if (!inside.includes('\n')) return [...comma, { at: end, text: ` ${indented(expressions.join(', '), indent)}` }];
  const own = last ? indentAt(file, last.getStart()) : `${indent}  `;
  return [...comma, { at: end, text: expressions.map((it) => `\n${own}${indented(it, own)},`).join('') }];
}

/** One expression in the line of its brackets, several on lines of their own. */
function listed(expressions: readonly string[], indent: string): string {
  const [only, ...others] = expressions;
  if (only && others.length === 0) return indented(only, indent);
  const lines = expressions.map((it) => `\n${indent}  ${indented(it, `${indent}  `)},`);
  return `${lines.join('')}\n${indent}`;
}

function indented(expression: string, indent: string): string {
  return expression.replaceAll('\n', `\n${indent}`);
}

function indentAt(file: ts.SourceFile, position: number): string {
  const line = file.text.slice(0, position).split('\n').at(-1) ?? '';
  return /^\s*/.exec(line)?.[0] ?? '';
}
