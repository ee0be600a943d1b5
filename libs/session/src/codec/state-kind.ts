import { Buffer } from 'node:buffer';

/** The kinds of object that state consists of. A `record` is an object without a prototype. */
export type StateKind = 'object' | 'record' | 'array' | 'date' | 'map' | 'set' | 'bytes' | 'buffer';

/**
 * Stands in a state for a property that its class sets and the application deleted. A property that the text does not
 * mention at all is another case: the release that wrote the text did not know it. Only a property of the state itself
 * can be absent.
 */
export const absent: unique symbol = Symbol('absent');

const kinds = new Map<object, StateKind>([
  [Array.prototype, 'array'],
  [Date.prototype, 'date'],
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  [Uint8Array.prototype, 'bytes'],
  [Buffer.prototype, 'buffer'],
]);

/**
 * The kind of an object; undefined for primitives and for instances of any other class, also of subclasses of these.
 */
export function stateKind(value: unknown): StateKind | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return 'object';
  if (Array.isArray(value)) return prototype === Array.prototype || isForeign(prototype, 'Array') ? 'array' : undefined;
  if (prototype === null) return 'record';
  const kind = kinds.get(prototype as object);
  // An object with the prototype of an array that is not an array.
  if (kind !== undefined) return kind === 'array' ? undefined : kind;
  return isForeign(prototype, 'Object') ? 'object' : undefined;
}

/** Sets an own property, also one called `__proto__`: a plain assignment to that would change the prototype. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    (target as Record<string, unknown>)[key] = value;
  }
}

// Jest and `vm` contexts have an Object and an Array of their own, but objects that Node makes (request headers) have
// the outer ones.
function isForeign(prototype: unknown, name: 'Object' | 'Array'): boolean {
  if (typeof prototype !== 'object' || prototype === null || !Object.hasOwn(prototype, 'constructor')) return false;
  const type: unknown = Reflect.get(prototype, 'constructor');
  return (
    typeof type === 'function' && Function.prototype.toString.call(type) === `function ${name}() { [native code] }`
  );
}
