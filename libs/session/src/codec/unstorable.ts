import type { StateTrail } from './state-trail.js';

const advice = new Map<string, string>([
  ['Promise', 'await it, and store its result'],
  ['RegExp', 'store its source and flags'],
  ['URL', 'store its href'],
]);

type Class = abstract new (...args: never[]) => object;

const ANONYMOUS = 'an anonymous class';

/** Why a value cannot be stored, and what to do instead. An error puts this text behind the path of the value. */
export function unstorableReason(value: unknown): string {
  if (typeof value === 'function') return 'is a function; write it as a method of the class, or mark it @Transient()';
  if (typeof value === 'symbol') return 'is a symbol, which cannot be restored from text; store a string';
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'is an invalid Date; store null instead';
  if (value instanceof Error) return 'is an Error; store its message';
  const name = className(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `is a ${name}; store its bytes as a Uint8Array, or its numbers as an array`;
  }
  const known = advice.get(name);
  if (known !== undefined) return `is a ${name}; ${known}`;
  const type: unknown = Reflect.get(value as object, 'constructor');
  if (builtInAncestor(type) !== undefined) {
    return `is an instance of ${lostContent(type)}; store plain data, or mark it @Transient()`;
  }
  return (
    `is an instance of ${name} and would come back as a plain object; declare its class with ` +
    `@Restore(() => ${name === ANONYMOUS ? 'TheClass' : name}), store plain data, or mark it @Transient()`
  );
}

/** The name of a class that has a {@link builtInAncestor}, and why its instances cannot be stored. */
export function lostContent(type: unknown): string {
  const builtIn = builtInAncestor(type);
  const extended = builtIn === type ? '' : `, which extends ${nameOf(builtIn)}`;
  return `${nameOf(type)}${extended}, whose content cannot be stored`;
}

/**
 * Rejects properties that somebody has added to an array, Date, Map or Set: its text form has no place for them.
 *
 * @param elements how many own properties the object has without such additions: the length of an array without holes
 * @throws SessionStateError naming the path of the property
 */
export function rejectExtraProperties(source: object, elements: number, trail: StateTrail): void {
  // Not Reflect.ownKeys: for long arrays it takes ten times as long.
  const keys = Object.keys(source);
  const symbols = Object.getOwnPropertySymbols(source);
  if (keys.length === elements && symbols.length === 0) return;
  const symbol = symbols[0];
  trail.push(symbol === undefined ? (keys.at(-1) as string) : (parent) => `${parent}[${String(symbol)}]`);
  throw trail.errorHere(
    'is an extra property of an array, Date, Map or Set and would be lost; put both into an object',
  );
}

/** Whether data under this name would hide a method or an accessor of a class, or something that every object has. */
export function hidesMember(prototype: object, key: string): boolean {
  return key === '__proto__' || key in prototype;
}

/**
 * The first class among a class and its ancestors that the platform brings, unless that is `Object`: Map, Error, URL,
 * Headers. The content of its instances is not in properties, so a store would lose it.
 */
export function builtInAncestor(type: unknown): Class | undefined {
  // At the end of the chain stands Function.prototype, of this realm or of another one, which is no class.
  for (let ancestor = type; isClass(ancestor); ancestor = Object.getPrototypeOf(ancestor) as unknown) {
    if (ancestor === Object) return undefined;
    if (isBuiltIn(ancestor)) return ancestor;
  }
  return undefined;
}

function isClass(value: unknown): value is Class {
  return typeof value === 'function' && Object.hasOwn(value, 'prototype');
}

/** Node writes some of its classes in JavaScript: these have a source, and are global. */
function isBuiltIn(type: Class): boolean {
  const isNative = /\{\s*\[native code\]\s*\}$/.test(Function.prototype.toString.call(type));
  return isNative || (type.name !== '' && Reflect.get(globalThis, type.name) === type);
}

/** The name of an object's class, for errors. */
export function className(value: unknown): string {
  return nameOf(Reflect.get(value as object, 'constructor'));
}

function nameOf(type: unknown): string {
  return typeof type === 'function' && type.name !== '' ? type.name : ANONYMOUS;
}
