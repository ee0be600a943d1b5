import type { SchematicContext, Tree } from '@angular-devkit/schematics';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { nestAdd, type NestAddOptions } from './nest-add.js';

/** What `nest new` of Nest 11 writes, as far as the schematic reads it. */
const NEST_11 = {
  'nest-cli.json': '{ "collection": "@nestjs/schematics", "sourceRoot": "src" }',
  'package.json': JSON.stringify({
    dependencies: { 'reflect-metadata': '^0.2.2', rxjs: '^7.8.1' },
    jest: { rootDir: 'src', transform: { '^.+\\.(t|j)s$': 'ts-jest' } },
  }),
  'test/jest-e2e.json': '{ "rootDir": "." }',
  'src/main.ts': main('./app.module'),
  'src/app.module.ts': rootModule(`{
  imports: [],
  controllers: [],
}`),
};

let log: string[];
let tasks: object[];
let tree: FilesInMemory;

beforeEach(() => {
  log = [];
  tasks = [];
});

describe('nest add', () => {
  it('adds the module and a first bean to the root module, and the line for jest, where a project needs it', () => {
    const files = add(NEST_11);

    expect(files['src/app.module.ts']).toBe(`import { Module } from '@nestjs/common';
import { SessionModule } from 'nestjs-session-beans';
import { CounterModule } from './counter/counter.module';

@Module({
  imports: [
    SessionModule.forRoot(),
    CounterModule,
  ],
  controllers: [],
})
export class AppModule {}
`);
    expect(files['src/counter/counter.controller.ts']).toContain(`import { Counter } from './counter';`);
    for (const path of ['package.json', 'test/jest-e2e.json']) {
      expect(files[path]).toContain('node_modules/(?!.*nestjs-session-beans)');
    }
    expect(tasks).toEqual([]);
  });

  it('writes imports with their extension, and nothing for jest, where the project is made of ES modules', () => {
    const files = add({
      ...NEST_11,
      'package.json': '{ "type": "module", "dependencies": { "reflect-metadata": "*", "rxjs": "*" }, "jest": {} }',
      'src/main.ts': main('./app.module.js'),
    });

    expect(files['src/app.module.ts']).toContain(`from './counter/counter.module.js';`);
    expect(files['src/counter/counter.module.ts']).toContain(`from './counter.controller.js';`);
    expect(files['package.json']).not.toContain('transformIgnorePatterns');
  });

  it.each(['memory', 'redis', 'sqlite'] as const)('changes nothing the second time, with the store %s', (store) => {
    const once = add(NEST_11, { store });
    tasks = [];

    expect(add(once, { store })).toEqual(once);
    expect(tasks).toEqual([]);
    expect(log.join('\n')).toContain('src/app.module.ts sets up sessions already');
  });

  it('takes a store by choice, and installs what it needs', () => {
    const files = add(NEST_11, { store: 'redis', example: false });

    expect(files['src/app.module.ts']).toContain(`import { RedisSessionStore } from 'nestjs-session-beans/redis';`);
    expect(files['src/app.module.ts']).toContain(
      'imports: [SessionModule.forRoot({\n    store: () => new RedisSession',
    );
    expect(files['package.json']).toContain('"ioredis": "^6');
    expect(tasks).toEqual([{ name: 'node-package', options: { command: 'install' } }]);
    expect(Object.keys(files)).toEqual(Object.keys(NEST_11));
  });

  it('leaves an ioredis of the project alone', () => {
    const files = add(
      { ...NEST_11, 'package.json': '{ "dependencies": { "ioredis": "^5.4.1" } }' },
      { store: 'redis' },
    );

    expect(files['package.json']).toContain('"ioredis": "^5.4.1"');
  });

  it('keeps the file of SQLite out of the repository', () => {
    const files = add({ ...NEST_11, '.gitignore': 'dist\n' }, { store: 'sqlite' });

    expect(files['.gitignore']).toBe('dist\n\nsessions.db*\n');
  });

  it('finds the root module of a project of a monorepo, by its sources', () => {
    const files = add(
      {
        ...NEST_11,
        'nest-cli.json': JSON.stringify({
          monorepo: true,
          sourceRoot: 'apps/shop/src',
          projects: { api: { sourceRoot: 'apps/api/src', entryFile: 'server' } },
        }),
        'tsconfig.json': '{ "compilerOptions": { "baseUrl": "./", "paths": { "@api/*": ["apps/api/src/*"] } } }',
        'apps/api/src/server.ts': main('@api/core/root.module', 'RootModule as Api', 'Api'),
        'apps/api/src/core/root.module.ts': rootModule('{}', 'RootModule'),
        'apps/api/test/jest-e2e.json': '{}',
      },
      { sourceRoot: 'apps/api/src' },
    );

    expect(files['apps/api/src/core/root.module.ts']).toContain('imports: [\n    SessionModule.forRoot(),');
    expect(files['apps/api/src/core/counter/counter.module.ts']).toBeDefined();
    expect(files['apps/api/test/jest-e2e.json']).toContain('nestjs-session-beans');
    expect(files['src/app.module.ts']).toBe(NEST_11['src/app.module.ts']);
  });

  it('finds NestFactory.create() in another file than the entry', () => {
    const files = add({
      ...NEST_11,
      'src/main.ts': `import { start } from './start';\nvoid start();\n`,
      'src/start.ts': main('./app.module'),
    });

    expect(files['src/app.module.ts']).toContain('SessionModule.forRoot()');
  });

  it('finds a root module in the file that starts it', () => {
    const text = `import { Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"

@Module({ providers: [] })
class App {}

void NestFactory.create<NestExpressApplication>(App, { rawBody: true })
`;
    const files = add({ ...NEST_11, 'src/main.ts': text }, { example: false });

    expect(files['src/main.ts']).toBe(`import { Module } from "@nestjs/common"
import { NestFactory } from "@nestjs/core"
import { SessionModule } from "nestjs-session-beans"

@Module({
  imports: [SessionModule.forRoot()], providers: [] })
class App {}

void NestFactory.create<NestExpressApplication>(App, { rawBody: true })
`);
  });

  it('says so where another module sets up sessions, and adds nothing beside it', () => {
    const files = add({
      ...NEST_11,
      'src/core.module.ts': `import { SessionModule } from 'nestjs-session-beans';
export const sessions = SessionModule.forRootAsync({ useFactory: () => ({}) });
`,
    });

    expect(files['src/app.module.ts']).toBe(NEST_11['src/app.module.ts']);
    expect(log.join('\n')).toContain('src/core.module.ts sets up sessions already');
  });

  it('leaves a counter of the project alone', () => {
    const mine = { 'src/counter/counter.module.ts': 'export class CounterModule {}\n' };
    const files = add({ ...NEST_11, ...mine });

    expect(files['src/counter/counter.module.ts']).toBe(mine['src/counter/counter.module.ts']);
    expect(files['src/app.module.ts']).toContain('SessionModule.forRoot()');
    expect(files['src/app.module.ts']).not.toContain('CounterModule');
  });

  it.each([
    ['package.json', { 'package.json': '{ "jest": { "transformIgnorePatterns": ["node_modules"] } }' }],
    ['jest.config.ts', { 'package.json': '{}', 'jest.config.ts': 'export default {};\n' }],
  ])('asks for the line of jest by hand where %s has settings of its own', (path, changed) => {
    add({ ...NEST_11, ...changed });

    expect(log).toContainEqual(expect.stringContaining(`configuration of jest in ${path}`));
  });
});

describe('the imports of a module', () => {
  it.each([
    ['[]', '[SessionModule.forRoot()]'],
    ['[UsersModule]', '[UsersModule, SessionModule.forRoot()]'],
    ['[UsersModule,]', '[UsersModule, SessionModule.forRoot()]'],
    ['[A, ...others]', '[A, ...others, SessionModule.forRoot()]'],
    [
      '[\n    A,\n    B.forRoot({\n      c: 1,\n    }),\n  ]',
      '[\n    A,\n    B.forRoot({\n      c: 1,\n    }),\n    SessionModule.forRoot(),\n  ]',
    ],
    ['[\n    A, // of a\n    B // of b\n  ]', '[\n    A, // of a\n    B, // of b\n    SessionModule.forRoot(),\n  ]'],
    ['[\r\n    A,\r\n  ]', '[\r\n    A,\r\n    SessionModule.forRoot(),\r\n  ]'],
    ['[\n    // none yet\n  ]', '[\n    // none yet\n    SessionModule.forRoot(),\n  ]'],
  ])('%j become %j', (before, after) => {
    const source = rootModule(`{\n  imports: ${before},\n}`);
    const files = add({ ...NEST_11, 'src/app.module.ts': source }, { example: false });

    expect(files['src/app.module.ts']).toContain(`imports: ${after},\n}`);
  });

  it.each([
    ['a list made elsewhere', rootModule('{ imports: modules }')],
    ['a list made by a call', rootModule('{ imports: [A].concat(others) }')],
    ['a shorthand', rootModule('{ imports }')],
    ['metadata made elsewhere', rootModule('metadata')],
    ['metadata that is spread', rootModule('{ ...base, controllers: [] }')],
    ['a decorator of the project', rootModule('{}').replace('@nestjs/common', './decorators')],
    ['a class of another file', `export * from './core/app.module';\n`],
    ['a name that is taken', `import { SessionModule } from './sessions';\n${rootModule('{ imports: [] }')}`],
  ])('%s stays as it is: the error has the lines to add by hand', (_title, source) => {
    const files = { ...NEST_11, 'src/app.module.ts': source };

    expect(() => add(files, { store: 'redis' })).toThrow(
      /src\/app[.]module[.]ts .*Nothing was changed[^]*import { RedisSessionStore }[^]*: \[SessionModule[.]forRoot/,
    );
    expect(tree.all()).toEqual(files);
  });

  it.each([
    ['has no NestFactory', 'void bootstrap();\n'],
    ['creates a module by a call', main('./app.module').replace('(AppModule)', '(AppModule.forRoot())')],
    ['imports what is nowhere', main('./elsewhere')],
  ])('an entry that %s is an error with the lines to add by hand', (_title, source) => {
    const files = { ...NEST_11, 'src/main.ts': source };

    expect(() => add(files)).toThrow(/Nothing was changed[^]*SessionModule.forRoot\(\)/);
    expect(tree.all()).toEqual(files);
  });
});

/** The files after the schematic has run. */
function add(files: Readonly<Record<string, string>>, options: NestAddOptions = {}): Record<string, string> {
  tree = new FilesInMemory(files);
  const say = (text: string) => log.push(text);
  const context = { logger: { info: say, warn: say }, addTask: (task: Task) => tasks.push(task.toConfiguration()) };
  nestAdd(options)(tree as unknown as Tree, context as unknown as SchematicContext);
  return tree.all();
}

interface Task {
  toConfiguration(): object;
}

/** The part of a `Tree` that the schematic uses. The devkit's own one cannot be loaded by jest. */
class FilesInMemory {
  private readonly files: Map<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    this.files = new Map(Object.entries(files));
  }

  all(): Record<string, string> {
    return Object.fromEntries(this.files);
  }

  exists(path: string): boolean {
    return this.files.has(normalized(path));
  }

  readText(path: string): string {
    const text = this.files.get(normalized(path));
    if (text === undefined) throw new Error(`${path} does not exist`);
    return text;
  }

  overwrite(path: string, text: string): void {
    this.readText(path);
    this.files.set(normalized(path), text);
  }

  create(path: string, text: string): void {
    if (this.exists(path)) throw new Error(`${path} already exists`);
    this.files.set(normalized(path), text);
  }

  getDir(folder: string) {
    const below = [...this.files.keys()].filter((path) => path.startsWith(`${folder}/`));
    return { visit: (visitor: (path: string) => void) => below.forEach((path) => visitor(`/${path}`)) };
  }
}

function normalized(path: string): string {
  return path.replace(/^[/]/, '');
}

function main(from: string, imported = 'AppModule', given = imported): string {
  return `import { NestFactory } from '@nestjs/core';
import { ${imported} } from '${from}';

async function bootstrap() {
  const app = await NestFactory.create(${given});
  await app.listen(3000);
}
void bootstrap();
`;
}

function rootModule(metadata: string, name = 'AppModule'): string {
  return `import { Module } from '@nestjs/common';

@Module(${metadata})
export class ${name} {}
`;
}
