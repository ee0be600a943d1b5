const DOLLAR = 36;

/**
 * Whether JSON.stringify alone writes a value as `encodeState` does: it consists of strings, numbers that JSON has, booleans, null, plain objects and
 * arrays, at most `levels` deep, and no key has to be escaped. Much cheaper than the walk that says what is wrong, since it reads properties without asking what they
 * are: one that is hidden from enumerations, or computed, passes for what it shows.
 */
export function isPlain(value: unknown, levels: number): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return value - value === 0 && !Object.is(value, -0);
    case 'object':
      if (value === null) return true;
      if (levels === 0) return false;
      return Array.isArray(value) ? isPlainArray(value, levels - 1) : isPlainObject(value, levels - 1);
    default:
      return false;
  }
}

function isPlainArray(array: readonly unknown[], levels: number): boolean {
  if (Object.getPrototypeOf(array) !== Array.prototype || 'toJSON' in array) return false;
  for (let i = 0; i < array.length; i++) if (!isPlain(array[i], levels)) return false;
  return Object.keys(array).length === array.length && Object.getOwnPropertySymbols(array).length === 0;
}

function isPlainObject(object: object, levels: number): boolean {
  if (Object.getPrototypeOf(object) !== Object.prototype) return false;
  for (const key in object) {
    if (key.charCodeAt(0) === DOLLAR || !isPlain((object as Record<string, unknown>)[key], levels)) return false;
  }
  return Object.getOwnPropertySymbols(object).length === 0;
}
