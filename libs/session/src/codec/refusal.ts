const advice = new Map<string, string>([
  ['Promise', 'await it, and store its result'],
  ['RegExp', 'store its source and flags'],
  ['URL', 'store its href'],
]);

/** Why a value cannot be stored, and what to do instead; to be put behind its path. */
export function refusal(value: unknown): string {
  if (typeof value === 'function') return 'is a function; write it as a method of the class, or mark it @Transient()';
  if (typeof value === 'symbol') return 'is a symbol, of which there is no second one; store a string';
  if (value instanceof Date && Number.isNaN(value.getTime())) return 'is an invalid Date; store null instead';
  if (value instanceof Error) return 'is an Error; store its message';
  const name = className(value);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer) {
    return `is a ${name}; store its bytes as a Uint8Array, or its numbers as an array`;
  }
  const known = advice.get(name);
  if (known !== undefined) return `is a ${name}; ${known}`;
  return (
    `is an instance of ${name} and would come back as a plain object; declare its class with @Type(() => ${name}) ` +
    `of class-transformer, store plain data, or mark it @Transient()`
  );
}

function className(value: unknown): string {
  const type: unknown = Reflect.get(value as object, 'constructor');
  return typeof type === 'function' && type.name !== '' ? type.name : 'an anonymous class';
}
