import type { Tree } from '@angular-devkit/schematics';
import { posix } from 'node:path';
import type ts from 'typescript';
import type { TypeScript } from './project-typescript.js';

/** The class given to `NestFactory.create()`. */
export interface RootModule {
  readonly path: string;
  readonly className: string;
  /** How relative imports end: `.js` in projects of ES modules. */
  readonly extension: '' | '.js';
}

/** Something in the project that cannot be changed safely. The message says which file, and why. */
export class UnusualProject extends Error {}

/** Where the Nest CLI keeps its settings, in the order in which it looks for them. */
const SETTINGS = ['nest-cli.json', '.nestcli.json', '.nest-cli.json', 'nest.json'];

/** An application of the project: its folder of sources, and what starts in it. */
export class Application {
  readonly sourceRoot: string;

  constructor(
    private readonly tree: Tree,
    private readonly compiler: TypeScript,
    sourceRoot: string | undefined,
  ) {
    // A CLI without settings passes the text.
    const given = sourceRoot === 'undefined' ? undefined : sourceRoot;
    this.sourceRoot = given ?? this.settings().sourceRoot ?? 'src';
  }

  /** @throws UnusualProject when it is not plain which class that is */
  rootModule(): RootModule {
    const path = this.startingFile();
    const file = this.parse(path);
    const [call] = this.createCalls(file);
    const given = call?.arguments[0];
    if (!given || !this.compiler.isIdentifier(given)) {
      throw new UnusualProject(`${path} does not give a class by its name to NestFactory.create()`);
    }
    const extension = relativeImports(this.compiler, file).some((it) => it.endsWith('.js')) ? '.js' : '';
    const imported = this.importOf(file, given.text);
    if (!imported) return { path, className: given.text, extension };
    const target = this.resolve(path, imported.from);
    if (!target) throw new UnusualProject(`${path} imports ${given.text} from ${imported.from}, which was not found`);
    return { path: target, className: imported.name, extension };
  }

  parse(path: string): ts.SourceFile {
    return this.compiler.createSourceFile(path, this.tree.readText(path), this.compiler.ScriptTarget.Latest, true);
  }

  /** The file of the application that already calls `SessionModule.forRoot()` or `forRootAsync()`. */
  fileWithSessions(): string | undefined {
    return this.sources().find((path) => {
      const text = this.tree.readText(path);
      if (!text.includes('nestjs-session-beans') || !text.includes('forRoot')) return false;
      const called = callsIn(this.compiler, this.parse(path)).map(({ expression }) => expression.getText());
      return called.some((it) => /^SessionModule\s*[.]\s*forRoot(Async)?$/.test(it));
    });
  }

  private settings(): { sourceRoot?: string; entryFile?: string; projects?: Record<string, ProjectSettings> } {
    const path = SETTINGS.find((it) => this.tree.exists(it));
    if (!path) return {};
    return this.compiler.parseConfigFileTextToJson(path, this.tree.readText(path)).config ?? {};
  }

  /** The file that calls `NestFactory.create()`: the entry, or the only one that does. */
  private startingFile(): string {
    const settings = this.settings();
    const project = Object.values(settings.projects ?? {}).find((it) => it.sourceRoot === this.sourceRoot);
    const entry = posix.join(this.sourceRoot, `${project?.entryFile ?? settings.entryFile ?? 'main'}.ts`);
    const starts = (path: string) => this.createCalls(this.parse(path)).length > 0;
    if (this.tree.exists(entry) && starts(entry)) return entry;
    const [only, ...others] = this.sources().filter(
      (path) => this.tree.readText(path).includes('NestFactory') && starts(path),
    );
    if (!only) throw new UnusualProject(`no file of ${this.sourceRoot} calls NestFactory.create()`);
    if (others.length > 0) {
      throw new UnusualProject(`several files call NestFactory.create(): ${[only, ...others].join(', ')}`);
    }
    return only;
  }

  private sources(): string[] {
    const found: string[] = [];
    this.tree.getDir(this.sourceRoot).visit((path) => {
      if (/(?<![.]d|[.-]spec|[.]test)[.]ts$/.test(path) && !path.includes('/node_modules/')) found.push(path.slice(1));
    });
    return found.toSorted();
  }

  private createCalls(file: ts.SourceFile): ts.CallExpression[] {
    const { compiler } = this;
    return callsIn(compiler, file).filter(
      ({ expression }) =>
        compiler.isPropertyAccessExpression(expression) &&
        expression.name.text === 'create' &&
        compiler.isIdentifier(expression.expression) &&
        (this.importOf(file, expression.expression.text)?.name ?? '') === 'NestFactory',
    );
  }

  private importOf(file: ts.SourceFile, local: string): { from: string; name: string } | undefined {
    return importedNames(this.compiler, file).find((it) => it.local === local);
  }

  /** Resolves as the compiler does, with the paths of the nearest tsconfig.json. */
  private resolve(importer: string, specifier: string): string | undefined {
    const host = {
      fileExists: (path: string) => this.tree.exists(path),
      readFile: (path: string) => (this.tree.exists(path) ? this.tree.readText(path) : undefined),
      readDirectory: () => [],
      useCaseSensitiveFileNames: true,
    };
    const config = this.compiler.findConfigFile(`/${posix.dirname(importer)}`, host.fileExists);
    const read = config ? this.compiler.readConfigFile(config, host.readFile).config : {};
    const { options } = this.compiler.parseJsonConfigFileContent(read, host, posix.dirname(config ?? '/tsconfig.json'));
    const { resolvedModule } = this.compiler.resolveModuleName(specifier, `/${importer}`, options, host);
    return resolvedModule?.resolvedFileName.slice(1);
  }
}

interface ProjectSettings {
  readonly sourceRoot?: string;
  readonly entryFile?: string;
}

interface ImportedName {
  readonly from: string;
  readonly name: string;
  readonly local: string;
}

/** What the named and the default imports of a file bind. */
export function importedNames(compiler: TypeScript, file: ts.SourceFile): ImportedName[] {
  return file.statements.filter(compiler.isImportDeclaration).flatMap(({ importClause, moduleSpecifier }) => {
    const from = compiler.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
    const named = importClause?.namedBindings;
    const names = named && compiler.isNamedImports(named) ? named.elements : [];
    return [
      ...(importClause?.name ? [{ from, name: 'default', local: importClause.name.text }] : []),
      ...names.map(({ name, propertyName }) => ({ from, name: (propertyName ?? name).text, local: name.text })),
    ];
  });
}

function relativeImports(compiler: TypeScript, file: ts.SourceFile): string[] {
  const specifiers = file.statements.filter(compiler.isImportDeclaration).map((it) => it.moduleSpecifier);
  return specifiers
    .filter(compiler.isStringLiteral)
    .map(({ text }) => text)
    .filter((it) => it.startsWith('.'));
}

function callsIn(compiler: TypeScript, file: ts.SourceFile): ts.CallExpression[] {
  const calls: ts.CallExpression[] = [];
  const visit = (node: ts.Node): void => {
    if (compiler.isCallExpression(node)) calls.push(node);
    compiler.forEachChild(node, visit);
  };
  visit(file);
  return calls;
}
