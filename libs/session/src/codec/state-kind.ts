import { Buffer } from 'node:buffer';

/** The objects that state is made of. `record` is an object without a prototype. */
export type StateKind = 'object' | 'record' | 'array' | 'date' | 'map' | 'set' | 'bytes' | 'buffer';

const kinds = new Map<object, StateKind>([
  [Array.prototype, 'array'],
  [Date.prototype, 'date'],
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  [Uint8Array.prototype, 'bytes'],
  [Buffer.prototype, 'buffer'],
]);

/** What state a value is; undefined for primitives and for instances of any other class, subclasses of the above included. */
export function stateKind(value: unknown): StateKind | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype) return 'object';
  if (Array.isArray(value)) return prototype === Array.prototype || isForeign(prototype, 'Array') ? 'array' : undefined;
  if (prototype === null) return 'record';
  const kind = kinds.get(prototype as object);
  if (kind !== undefined) return kind === 'array' ? undefined : kind;
  return isForeign(prototype, 'Object') ? 'object' : undefined;
}

// Jest and vm contexts have their own Object and Array, while what node itself makes (request headers) has the outer ones.
function isForeign(prototype: unknown, name: 'Object' | 'Array'): boolean {
  if (typeof prototype !== 'object' || prototype === null || !Object.hasOwn(prototype, 'constructor')) return false;
  const type: unknown = Reflect.get(prototype, 'constructor');
  return (
    typeof type === 'function' && Function.prototype.toString.call(type) === `function ${name}() { [native code] }`
  );
}
