import type { SchematicContext, Tree } from '@angular-devkit/schematics';
import { posix } from 'node:path';
import { Application, UnusualProject } from './application.js';
import { counterModule, firstBean } from './first-bean.js';
import { asJson, JEST_LINE, manifestOf, withJestLine } from './jest-line.js';
import { type ModuleImport, withModuleImports } from './module-imports.js';
import { projectTypeScript, type TypeScript } from './project-typescript.js';

/** What `schema.json` beside this file describes. */
export interface NestAddOptions {
  readonly sourceRoot?: string;
  readonly store?: keyof typeof STORES;
  readonly example?: boolean;
  readonly skipInstall?: boolean;
}

const SESSION_MODULE = { SessionModule: 'nestjs-session-beans' };

interface StoreChoice extends ModuleImport {
  /** Packages that it needs beside ours. */
  readonly packages?: Readonly<Record<string, string>>;
}

const STORES = {
  memory: { expression: 'SessionModule.forRoot()', names: SESSION_MODULE },
  redis: {
    expression: `SessionModule.forRoot({
  store: () => new RedisSessionStore({ url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' }),
})`,
    names: { ...SESSION_MODULE, RedisSessionStore: 'nestjs-session-beans/redis' },
    packages: { ioredis: '^6.0.0' },
  },
  sqlite: {
    expression: `SessionModule.forRoot({
  store: () => new SqliteSessionStore({ file: 'sessions.db' }),
})`,
    names: { ...SESSION_MODULE, SqliteSessionStore: 'nestjs-session-beans/sqlite' },
  },
} satisfies Record<string, StoreChoice>;

/** Peers that Nest's own projects have. */
const PEERS = { 'reflect-metadata': '^0.2.2', rxjs: '^7.8.1' };

/**
 * The schematic that `nest add nestjs-session-beans` runs once the package is installed.
 *
 * It decides everything before it writes anything: a project that it cannot change safely stays as it was, and the
 * error says what to add by hand. Where sessions are set up already, it adds nothing.
 *
 * It imports nothing at run time but Node's own modules, so applications install nothing for its sake.
 */
export function nestAdd(options: NestAddOptions): (tree: Tree, context: SchematicContext) => void {
  return (tree, context) => addSessions(tree, context, options, projectTypeScript());
}

function addSessions(tree: Tree, context: SchematicContext, options: NestAddOptions, compiler: TypeScript): void {
  const store: StoreChoice = STORES[options.store ?? 'memory'];
  const application = new Application(tree, compiler, options.sourceRoot);
  const configured = application.fileWithSessions();
  if (configured) {
    context.logger.info(`${configured} sets up sessions already; it stays as it is.`);
    if (options.store && options.store !== 'memory')
      context.logger.info(`Its store is yours to change:\n\n${byHand(store)}`);
  }
  try {
    const files = configured ? new Map<string, string>() : filesToWrite(tree, application, compiler, options);
    const jest = withJestLine(tree, application.sourceRoot);
    for (const [path, text] of [...files, ...jest.written]) write(tree, path, text);
    for (const path of jest.byHand)
      context.logger.warn(`Add this to the configuration of jest in ${path}:\n\n  ${JEST_LINE}\n`);
  } catch (error) {
    if (!(error instanceof UnusualProject)) throw error;
    throw new Error(`${error.message}. Nothing was changed. Add this to your root module:\n\n${byHand(store)}\n`, {
      cause: error,
    });
  }
  if (!configured && options.store === 'sqlite') prepareFile(tree, context);
  addDependencies(tree, context, configured ? PEERS : { ...PEERS, ...store.packages }, options);
}

/** The root module, and the first bean unless there is one of that name. */
function filesToWrite(
  tree: Tree,
  application: Application,
  compiler: TypeScript,
  { store = 'memory', example = true }: NestAddOptions,
): Map<string, string> {
  const { path, className, extension } = application.rootModule();
  const folder = posix.dirname(path);
  const withBean = example && !tree.exists(posix.join(folder, 'counter/counter.module.ts'));
  const added = withBean ? [STORES[store], counterModule(extension)] : [STORES[store]];
  const files = new Map([[path, withModuleImports(compiler, application.parse(path), className, added)]]);
  if (withBean) {
    for (const [name, text] of Object.entries(firstBean(extension))) files.set(posix.join(folder, name), text);
  }
  return files;
}

function write(tree: Tree, path: string, text: string): void {
  if (tree.exists(path)) tree.overwrite(path, text);
  else tree.create(path, text);
}

function byHand({ expression, names }: ModuleImport): string {
  const statements = Object.entries(names).map(([name, from]) => `import { ${name} } from '${from}';`);
  return [...statements, '', `@Module({ imports: [${expression}] })`]
    .map((it) => `  ${it.replaceAll('\n', '\n  ')}`)
    .join('\n');
}

/** State of users does not belong in a repository. */
function prepareFile(tree: Tree, { logger }: SchematicContext): void {
  const ignored = tree.exists('.gitignore') ? tree.readText('.gitignore') : '';
  if (ignored && !ignored.includes('sessions.db'))
    tree.overwrite('.gitignore', `${ignored.trimEnd()}\n\nsessions.db*\n`);
  if (!process.getBuiltinModule('node:sqlite')) {
    logger.warn(`The store needs Node 22.13 or later for its SQLite; this is ${process.version}.`);
  }
}

function addDependencies(
  tree: Tree,
  context: SchematicContext,
  packages: Readonly<Record<string, string>>,
  { skipInstall = false }: NestAddOptions,
): void {
  const manifest = manifestOf(tree);
  const present = { ...manifest.devDependencies, ...manifest.dependencies };
  const missing = Object.entries(packages).filter(([name]) => !(name in present));
  if (missing.length === 0) return;
  const dependencies = Object.fromEntries(
    [...Object.entries(manifest.dependencies ?? {}), ...missing].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  tree.overwrite('package.json', asJson({ ...manifest, dependencies }, tree.readText('package.json')));
  // The package manager whose lock file is there.
  if (!skipInstall)
    context.addTask({ toConfiguration: () => ({ name: 'node-package', options: { command: 'install' } }) });
}
