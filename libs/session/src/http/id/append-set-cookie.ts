/**
 * The `Set-Cookie` lines of a response after one more: what the application set stays, in its order, except an earlier line
 * for the same cookie name, because a response must not set one cookie twice (RFC 6265bis). Takes what `getHeader` of Node
 * and Fastify give.
 */
export function appendSetCookie(existing: number | string | readonly string[] | undefined, line: string): string[] {
  if (existing === undefined) return [line];
  const lines = typeof existing === 'object' ? existing : [String(existing)];
  const name = cookieName(line);
  return [...lines.filter((other) => cookieName(other) !== name), line];
}

/** What a browser takes as the name: up to the first `=` of the pair, without spaces and tabs around it. */
function cookieName(line: string): string {
  const pair = line.split(';', 1)[0] ?? '';
  const equals = pair.indexOf('=');
  return equals === -1 ? '' : pair.slice(0, equals).replace(/^[ \t]+|[ \t]+$/g, '');
}
