import type { Type } from '@nestjs/common';
import { builtInAncestor } from '../codec/unstorable.js';
import { SessionBeanError } from '../errors/session-bean.error.js';

/** Hooks that run inside a property access or inside a commit, where nothing is awaited. */
const SYNCHRONOUS_HOOKS = ['onBeanCreated', 'onBeanRestored', 'beforeBeanSaved'];

/** Nest's own hooks, and the hooks of a bean that serve the same purpose. */
const NEST_HOOKS: Readonly<Record<string, string>> = {
  onModuleInit: 'onBeanCreated() or onBeanRestored()',
  onApplicationBootstrap: 'onBeanCreated() or onBeanRestored()',
  onModuleDestroy: 'beforeBeanSaved() or onBeanDestroyed()',
  beforeApplicationShutdown: 'beforeBeanSaved() or onBeanDestroyed()',
  onApplicationShutdown: 'beforeBeanSaved() or onBeanDestroyed()',
};

/**
 * Checks that a class can be a bean.
 * @throws SessionBeanError when instances of the class could not do what its source says; the text names class and fix
 */
export function checkBeanClass(type: Type<object>): void {
  checkAncestors(type);
  refuseThen(type);
  checkNestHooks(type);
  checkSynchronousHooks(type);
}

/** The content of a Map, an Array or a Promise is in internal slots, which nobody can read: it would be lost. */
function checkAncestors(type: Type<object>): void {
  const builtIn = builtInAncestor(type);
  if (builtIn === undefined) return;
  throw new SessionBeanError(
    `${type.name} extends ${builtIn.name}, whose content cannot be stored: ` +
      `keep a ${builtIn.name} in a property instead`,
  );
}

/** Nest awaits what it injects, so it would call the method, outside of every session, and wait for its callback. */
function refuseThen(type: Type<object>): void {
  if (!('then' in type.prototype)) return;
  throw new SessionBeanError(
    `${type.name}.then() makes a promise of every ${type.name}, which is awaited wherever it is injected: ` +
      'give the method another name',
  );
}

/**
 * Nest calls its hooks once per application, on the client proxy that it has injected, at a moment without a session. A
 * warning would be overlooked and the hook would still not run, so the application does not start.
 */
function checkNestHooks(type: Type<object>): void {
  for (const [hook, instead] of Object.entries(NEST_HOOKS)) {
    if (!(hook in type.prototype)) continue;
    throw new SessionBeanError(
      `${type.name}.${hook}() would never run: it belongs to the application, while ${type.name} has an instance per ` +
        `session. Use ${instead}, or move it to a service`,
    );
  }
}

function checkSynchronousHooks(type: Type<object>): void {
  for (const hook of SYNCHRONOUS_HOOKS) {
    const method: unknown = Reflect.get(type.prototype as object, hook, Object.create(type.prototype as object));
    if (typeof method !== 'function' || method.constructor.name !== 'AsyncFunction') continue;
    throw new SessionBeanError(
      `${type.name}.${hook}() is async, but beans are created, restored and stored without waiting: ` +
        `make it synchronous and await in the handler`,
    );
  }
}

// Text in which `#name` declares nothing: comments, strings, templates and regular expressions.
const NOT_CODE = new RegExp(
  [
    /\/\*[^]*?\*\//,
    /\/\/[^\n]*/,
    /'(?:\\.|[^'\\])*'/,
    /"(?:\\.|[^"\\])*"/,
    /`(?:\\.|[^`\\])*`/,
    /(?<=[=(,:;!&|?{}[\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);
const DECLARATION = /(?:^|[;}\n])\s*#([\w$]+)(?!\s*\(|\s+in\b|[\w$])/g;

/**
 * Names of the `#private` instance fields that a class and its ancestors declare. They are never stored, of which the
 * module warns. No API lists them, so they are read from the source of the class. Fields that a compiler has turned
 * into something else (targets before ES2022) are not found.
 */
export function privateFieldsOf(type: Type<object>): string[] {
  const ancestor = Object.getPrototypeOf(type) as Type<object>;
  const inherited = typeof ancestor === 'function' && ancestor !== Function.prototype ? privateFieldsOf(ancestor) : [];
  const source = Function.prototype.toString.call(type);
  if (!source.includes('#')) return inherited;
  const declared = membersIn(source.replaceAll(NOT_CODE, (text) => (/^\/[/*]/.test(text) ? ' ' : "''"))).matchAll(
    DECLARATION,
  );
  return [...inherited, ...Array.from(declared, ([, name]) => `#${name}`)];
}

/**
 * The body of the class without everything in inner braces, parentheses and brackets, such as the bodies of methods.
 */
function membersIn(code: string): string {
  let depth = 0;
  let members = '';
  for (const character of code) {
    if (')]}'.includes(character)) depth--;
    if (depth === 1) members += character;
    // The heritage before the body may have parentheses, but no braces outside of them.
    if (depth === 0 && character === '{') members = '';
    if ('([{'.includes(character)) depth++;
  }
  return members;
}
