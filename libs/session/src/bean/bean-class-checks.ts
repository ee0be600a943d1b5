import type { Type } from '@nestjs/common';

// Comments, texts, templates and regular expressions: nothing in them declares anything.
const NOT_CODE =
  /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:;!&|?{}[\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//g;
const DECLARATION = /(?:^|[;}\n])\s*#([\w$]+)(?!\s*\(|\s+in\b|[\w$])/g;

/**
 * Names of the `#private` instance fields that a class and its ancestors declare. No API tells them: they are read from the source of the
 * class, so what a compiler turned into something else (targets before ES2022) is not seen.
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

/** The body of the class without what stands in braces, parentheses and brackets: methods have bodies of their own. */
function membersIn(code: string): string {
  let depth = 0;
  let members = '';
  for (const character of code) {
    if (')]}'.includes(character)) depth--;
    if (depth === 1) members += character;
    // What stands before the body may have parentheses, but no braces outside of them.
    if (depth === 0 && character === '{') members = '';
    if ('([{'.includes(character)) depth++;
  }
  return members;
}
