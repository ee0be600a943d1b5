/** The path of a Map's value, as one would write it: `Cart.prices.get("x")`, by position where the key is an object. */
export function entryPath(parent: string, key: unknown, index: number): string {
  if (typeof key === 'string') return `${parent}.get(${JSON.stringify(key)})`;
  if (typeof key === 'object' && key !== null) return `${parent}.values()[${index}]`;
  return `${parent}.get(${String(key)}${typeof key === 'bigint' ? 'n' : ''})`;
}
