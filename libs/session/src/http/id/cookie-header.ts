const SPACE = 0x20;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;

/**
 * The value of one cookie of a `Cookie` header: `undefined` when it is not there, all values when it is there with
 * different ones. Their order means nothing (RFC 6265bis); equal values count once.
 *
 * Strict on purpose, since cookies are smuggled through differences between parsers. Pairs end at `;`. Only space and
 * tab are trimmed, no other white space. The name is compared exactly. A pair without `=` or with an empty name is not
 * a cookie. The value is taken as it stands, neither decoded nor freed of quotes.
 *
 * Quotes mean nothing, as in RFC 6265bis: in `a="x; sid=1; y"` there are three pairs, and one of them is `sid=1`. A
 * browser sends this text only if it holds these three cookies. If a parser gave quotes a meaning, a cookie `a="x`
 * could hide or read the cookies that follow (Jetty CVE-2023-26049).
 *
 * Time is linear in the header; other cookies cost only the search for the name.
 *
 * @param name a token that needs no escaping
 */
export function readCookie(header: string | undefined, name: string): string | readonly string[] | undefined {
  if (header === undefined) return undefined;
  let found: string | undefined;
  let others: Set<string> | undefined;
  let at = header.indexOf(name);
  while (at !== -1) {
    const start = valueStart(header, at, name.length);
    if (start === -1) {
      at = header.indexOf(name, at + name.length);
      continue;
    }
    const semicolon = header.indexOf(';', start);
    const value = trimmed(header, start, semicolon === -1 ? header.length : semicolon);
    if (found === undefined) found = value;
    else if (found !== value) others = (others ?? new Set()).add(value);
    at = semicolon === -1 ? -1 : header.indexOf(name, semicolon + 1);
  }
  return found !== undefined && others ? [found, ...others] : found;
}

/** Where the value starts if the text at `at` is the whole name of a pair, else -1. */
function valueStart(header: string, at: number, nameLength: number): number {
  let before = at - 1;
  while (before >= 0 && isBlank(header.charCodeAt(before))) before--;
  if (before >= 0 && header.charCodeAt(before) !== SEMICOLON) return -1;
  let after = at + nameLength;
  while (isBlank(header.charCodeAt(after))) after++;
  return header.charCodeAt(after) === EQUALS ? after + 1 : -1;
}

function trimmed(header: string, start: number, end: number): string {
  while (start < end && isBlank(header.charCodeAt(start))) start++;
  while (end > start && isBlank(header.charCodeAt(end - 1))) end--;
  return header.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}
