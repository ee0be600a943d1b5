import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';

/**
 * The response headers as this package writes them, alike on Express and on Fastify. Lives as long as the response;
 * used only before its first byte. Names are case-insensitive.
 */
export interface ResponseHeaders {
  /** The current value, several joined with `, `; `undefined` when the header is not set. */
  get(name: string): string | undefined;

  /** Replaces the current value. */
  set(name: string, value: string): void;

  /** Adds a value and keeps the others; a `Set-Cookie` is added by `appendSetCookie`. */
  append(name: string, value: string): void;
}

/** Headers as they may be passed to `writeHead`, besides the status. */
export type HeadHeaders = OutgoingHttpHeaders | readonly unknown[] | undefined;

type HeaderValue = number | string | string[] | undefined;

/**
 * The headers of a response right before its head is written: those set on the response, and those passed to
 * `writeHead` (Fastify passes all of them), which replace what is set under the same name.
 */
export class RawResponseHeaders implements ResponseHeaders {
  private passed: Record<string, HeaderValue> | undefined;
  private isCopied = false;

  constructor(
    private readonly response: ServerResponse,
    passed: HeadHeaders,
  ) {
    if (Array.isArray(passed)) this.passed = fromPairs(passed as unknown[]);
    else if (passed) this.passed = passed as Record<string, HeaderValue>;
  }

  /** The headers to pass to `writeHead` instead; undefined when none were passed. */
  get forHead(): OutgoingHttpHeaders | undefined {
    return this.passed;
  }

  get(name: string): string | undefined {
    const value = this.raw(name);
    return value === undefined ? undefined : Array.isArray(value) ? value.join(', ') : String(value);
  }

  set(name: string, value: string): void {
    this.put(name, value);
  }

  append(name: string, value: string): void {
    const current = this.raw(name);
    if (name.toLowerCase() === 'set-cookie') return this.put(name, appendSetCookie(current, value));
    this.put(name, current === undefined ? value : [...(Array.isArray(current) ? current : [String(current)]), value]);
  }

  private raw(name: string): HeaderValue {
    const key = this.passedKey(name);
    return key === undefined ? this.response.getHeader(name) : this.passed?.[key];
  }

  private put(name: string, value: string | string[]): void {
    const key = this.passedKey(name);
    if (key === undefined) return void this.response.setHeader(name, value);
    // The caller may pass the same object with every response: an id in it would reach other clients.
    if (!this.isCopied) this.passed = { ...this.passed };
    this.isCopied = true;
    (this.passed as Record<string, HeaderValue>)[key] = value;
  }

  private passedKey(name: string): string | undefined {
    if (!this.passed) return undefined;
    const wanted = name.toLowerCase();
    // When names differ in case only, Node uses the last one.
    return Object.keys(this.passed).findLast((key) => key.toLowerCase() === wanted);
  }
}

/** Node also takes `[name, value, name, value]` and `[[name, value], ...]`. */
function fromPairs(list: unknown[]): Record<string, HeaderValue> {
  const pairs = Array.isArray(list[0])
    ? (list as [string, HeaderValue][])
    : list.flatMap((name, i) => (i % 2 ? [] : [[name, list[i + 1]] as [string, HeaderValue]]));
  const headers: Record<string, HeaderValue> = {};
  for (const [name, value] of pairs) {
    const before = headers[name];
    headers[name] =
      before === undefined
        ? value
        : [...(Array.isArray(before) ? before : [String(before)]), ...(Array.isArray(value) ? value : [String(value)])];
  }
  return headers;
}

/**
 * The `Set-Cookie` lines of a response after one more. The lines of the application stay, in their order. An earlier
 * line for the same cookie name goes, because a response must not set one cookie twice (RFC 6265bis).
 *
 * @param existing as `getHeader` of Node and Fastify returns it
 */
export function appendSetCookie(existing: number | string | readonly string[] | undefined, line: string): string[] {
  if (existing === undefined) return [line];
  const lines = typeof existing === 'object' ? existing : [String(existing)];
  const name = cookieName(line);
  return [...lines.filter((other) => cookieName(other) !== name), line];
}

/** The name as browsers read it: up to the first `=` of the pair, without spaces and tabs around it. */
function cookieName(line: string): string {
  const pair = line.split(';', 1)[0] ?? '';
  const equals = pair.indexOf('=');
  return equals === -1 ? '' : pair.slice(0, equals).replace(/^[ \t]+|[ \t]+$/g, '');
}
