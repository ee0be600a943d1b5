import { posix } from 'node:path';
import ts from 'typescript';

/** Source text by path, relative to the workspace, with forward slashes. */
export type Sources = ReadonlyMap<string, string>;

const LIBRARY = 'libs/session/src/';
const PACKAGE = 'nestjs-session-beans';

/**
 * What the files of a folder of the library may import besides their own folder. `store/*` are the implementations; `store/heap` is what those share that keep
 * sessions in this process.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  store: ['errors'],
  'store/heap': ['errors', 'store'],
  'store/*': ['errors', 'store', 'store/heap'],
  testing: ['errors', 'store'],
  replicated: ['errors', 'store', 'store/*'],
  codec: ['errors', 'store'],
  merge: ['errors', 'store', 'codec'],
  bean: ['errors', 'store', 'codec', 'merge'],
  timing: ['errors', 'store'],
  live: ['errors', 'store', 'merge', 'bean', 'timing'],
  request: ['errors', 'store', 'merge', 'bean', 'timing', 'live'],
  http: ['errors', 'store', 'bean', 'timing', 'live', 'request'],
  module: ['errors', 'store', 'store/*', 'bean', 'timing', 'live', 'request', 'http'],
  observability: ['errors', 'store', 'timing', 'live', 'request', 'http'],
  '.': ['errors', 'store', 'store/*', 'merge', 'bean', 'request', 'http', 'module'],
};

/**
 * The sentences that are wrong about the imports of these files: cycles, the wrong direction, an index imported from inside,
 * the sample reaching into the library. A type-only import couples as any other does. Specs may import what they like.
 */
export function importViolations(sources: Sources): string[] {
  const graph = new Map<string, string[]>();
  const violations: string[] = [];
  for (const [file, text] of sources) {
    if (file.endsWith('.spec.ts')) continue;
    const specifiers = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    const imported = specifiers.filter((specifier) => specifier.startsWith('.')).map((it) => resolve(file, it));
    graph.set(file, imported);
    violations.push(...imported.flatMap((target) => directionViolation(file, target)));
    if (file.startsWith(LIBRARY) && specifiers.some((it) => it === PACKAGE || it.startsWith(`${PACKAGE}/`))) {
      violations.push(`${file} imports its own package by name`);
    }
  }
  return [...violations, ...cycles(graph).map((cycle) => `cycle: ${cycle.join(' -> ')}`)];
}

function resolve(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts');
}

function directionViolation(file: string, target: string): string[] {
  if (!file.startsWith(LIBRARY)) {
    return target.startsWith('src/')
      ? []
      : [`${file} imports ${target}: the sample knows the package by its name only`];
  }
  if (posix.basename(target) === 'index.ts') return [`${file} imports the index ${target}`];

  const from = folderOf(file);
  const to = folderOf(target);
  const allowed = MAY_IMPORT[ruleOf(from)];
  if (!allowed) return [`${file}: the folder ${from} has no place in MAY_IMPORT yet`];
  return from === to || allowed.includes(ruleOf(to)) ? [] : [`${file} imports ${target}: ${from} may not import ${to}`];
}

/** `.` for the root, `store/redis` for everything below that, else the first folder. */
function folderOf(file: string): string {
  const [first = '', second, third] = file.slice(LIBRARY.length).split('/');
  if (second === undefined) return '.';
  return first === 'store' && third !== undefined ? `store/${second}` : first;
}

function ruleOf(folder: string): string {
  return folder.startsWith('store/') && folder !== 'store/heap' ? 'store/*' : folder;
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
