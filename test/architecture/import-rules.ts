import { posix } from 'node:path';
import ts from 'typescript';

/** Source text by path, relative to the workspace, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

/** A package of the workspace: its folder of sources, and what its rooms (folders) may import. */
interface PackageRules {
  readonly sources: string;
  readonly name: string;

  /** For each room the other rooms that its files may import. `a/*` stands for every room below `a`. */
  readonly mayImport: Readonly<Record<string, readonly string[]>>;

  /** The room of a file, from its path below `sources`. `.` is the top folder. */
  roomOf(path: string): string;

  /** The entries of the other package that this one may import, in sources and in specs. */
  readonly mayUse?: { readonly sources: readonly string[]; readonly specs: readonly string[] };
}

const CORE: PackageRules = {
  sources: 'libs/session/src/',
  name: 'nestjs-session-beans',
  // `store/*` are the implementations. `store/heap` is shared by stores that keep sessions in this process,
  // `store/document` by those that keep each as one document, `store-kit` is the public entry to all of that.
  mayImport: {
    errors: [],
    store: ['errors'],
    'store/heap': ['errors', 'store'],
    'store/document': ['errors', 'store', 'store/heap'],
    'store/*': ['errors', 'store', 'store/heap', 'store/document'],
    'store-kit': ['errors', 'store', 'store/heap', 'store/document'],
    testing: ['errors', 'store', 'bean', 'request', 'http', 'sessions', 'module'],
    codec: ['errors', 'store'],
    merge: ['errors', 'store', 'codec'],
    bean: ['errors', 'store', 'codec', 'merge'],
    timing: ['errors', 'store'],
    live: ['errors', 'store', 'merge', 'bean', 'timing'],
    request: ['errors', 'store', 'merge', 'bean', 'timing', 'live'],
    http: ['errors', 'store', 'bean', 'timing', 'live', 'request'],
    sessions: ['errors', 'store', 'live', 'request', 'http'],
    module: ['errors', 'store', 'store/*', 'bean', 'timing', 'live', 'request', 'http', 'sessions'],
    'request-session': ['errors', 'store', 'bean', 'request', 'http', 'module'],
    schematics: [],
    observability: ['errors', 'store', 'timing', 'live', 'request', 'http'],
    websockets: ['errors', 'store', 'live', 'request', 'http', 'sessions'],
    '.': ['errors', 'store', 'store/*', 'merge', 'bean', 'request', 'http', 'sessions', 'module'],
  },
  roomOf(path) {
    if (path === 'store/index.ts') return 'store-kit';
    const [first = '', second, third] = path.split('/');
    if (second === undefined) return '.';
    return first === 'store' && third !== undefined ? `store/${second}` : first;
  },
};

const REPLICATED: PackageRules = {
  sources: 'libs/replicated/src/',
  name: 'nestjs-session-beans-replicated',
  // `copy` is what a member keeps of sessions, `members` what it knows of the others; neither sends messages.
  mayImport: {
    copy: [],
    members: [],
    transports: ['members'],
    'transports/credentials': ['members'],
    'transports/wire': ['members', 'transports', 'transports/credentials'],
    'transports/*': ['members', 'transports', 'transports/credentials', 'transports/wire'],
    options: ['members', 'transports'],
    protocol: ['copy', 'members', 'options', 'transports'],
    'take-over': ['copy', 'members', 'options', 'protocol', 'transports'],
    operations: ['copy', 'members', 'options', 'protocol', 'take-over', 'transports'],
    upkeep: ['copy', 'members', 'options', 'protocol', 'take-over', 'transports'],
    '.': [
      'copy',
      'members',
      'operations',
      'options',
      'protocol',
      'transports',
      'transports/wire',
      'transports/*',
      'upkeep',
    ],
  },
  roomOf(path) {
    const [first = '', second, third] = path.split('/');
    if (second === undefined) return '.';
    return first === 'transports' && third !== undefined ? `transports/${second}` : first;
  },
  mayUse: {
    sources: ['nestjs-session-beans/store-kit'],
    specs: ['nestjs-session-beans/store-kit', 'nestjs-session-beans/testing'],
  },
};

const PACKAGES = [CORE, REPLICATED];

/**
 * The sentences that are wrong about the imports of these files: cycles, the wrong direction, an index imported from
 * inside, a package that knows another one by more than its public entries, the sample reaching into a package. A
 * type-only import couples as any other does. Specs beside sources import everything in their package, and nothing of
 * `test/`.
 */
export function importViolations(sources: Sources): string[] {
  const graph = new Map<string, string[]>();
  const violations: string[] = [];
  for (const [file, text] of sources) {
    const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    const imported = specifiers.filter((specifier) => specifier.startsWith('.')).map((it) => resolve(file, it));
    const rules = PACKAGES.find((it) => file.startsWith(it.sources));
    if (rules) violations.push(...specifiers.flatMap((it) => nameViolation(file, it, rules)));
    if (file.endsWith('.spec.ts')) {
      if (rules) violations.push(...imported.flatMap((target) => boundaryViolation(file, target, rules)));
      continue;
    }
    graph.set(file, imported);
    violations.push(...imported.flatMap((target) => directionViolation(file, target, rules)));
  }
  return [...violations, ...cycles(graph).map((cycle) => `cycle: ${cycle.join(' -> ')}`)];
}

function resolve(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

/** Imports of packages of this workspace by their names. */
function nameViolation(file: string, specifier: string, { name, mayUse }: PackageRules): string[] {
  const imported = PACKAGES.find((it) => specifier === it.name || specifier.startsWith(`${it.name}/`));
  if (!imported) return [];
  if (imported.name === name) return [`${file} imports its own package by name`];
  const allowed = (file.endsWith('.spec.ts') ? mayUse?.specs : mayUse?.sources) ?? [];
  return allowed.includes(specifier) ? [] : [`${file} imports ${specifier}: ${name} may not`];
}

function boundaryViolation(file: string, target: string, { sources }: PackageRules): string[] {
  return target.startsWith(sources) ? [] : [`${file} imports ${target}, which is outside of its package`];
}

function directionViolation(file: string, target: string, rules: PackageRules | undefined): string[] {
  if (!rules) {
    return target.startsWith('src/')
      ? []
      : [`${file} imports ${target}: the sample knows the packages by their names only`];
  }
  const outside = boundaryViolation(file, target, rules);
  if (outside.length > 0) return outside;
  if (posix.basename(target) === 'index.ts') return [`${file} imports the index ${target}`];

  const { sources, mayImport } = rules;
  const from = rules.roomOf(file.slice(sources.length));
  const to = rules.roomOf(target.slice(sources.length));
  const allowed = mayImport[ruleOf(from, mayImport)];
  if (!allowed) return [`${file}: the folder ${from} has no place in the rules yet`];
  return from === to || allowed.includes(ruleOf(to, mayImport))
    ? []
    : [`${file} imports ${target}: ${from} may not import ${to}`];
}

/** The rule for a room: its own, or that of all rooms beside it. */
function ruleOf(room: string, mayImport: PackageRules['mayImport']): string {
  return room in mayImport ? room : `${room.split('/')[0]}/*`;
}

/** One cycle for every import that closes one. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) found.push([...path.slice(start), file]);
    if (start >= 0 || done.has(file)) return;
    path.push(file);
    for (const target of graph.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return found;
}
