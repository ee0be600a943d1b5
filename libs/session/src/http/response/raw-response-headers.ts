import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { appendSetCookie } from '../id/append-set-cookie.js';
import type { ResponseHeaders } from './response-headers.js';

/** What may be handed to `writeHead` besides the status. */
export type HeadHeaders = OutgoingHttpHeaders | readonly unknown[] | undefined;

type HeaderValue = number | string | string[] | undefined;

/**
 * The headers of a response right before its head is written: those set on it, and those that the caller of `writeHead` hands over (Fastify
 * hands over all of them), which would replace what is set under the same name.
 */
export class RawResponseHeaders implements ResponseHeaders {
  private handed: Record<string, HeaderValue> | undefined;
  private isCopied = false;

  constructor(
    private readonly response: ServerResponse,
    handed: HeadHeaders,
  ) {
    if (Array.isArray(handed)) this.handed = fromPairs(handed as unknown[]);
    else if (handed) this.handed = handed as Record<string, HeaderValue>;
  }

  /** What to hand to `writeHead` instead. */
  get forHead(): OutgoingHttpHeaders | undefined {
    return this.handed;
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
    const key = this.handedKey(name);
    return key === undefined ? this.response.getHeader(name) : this.handed?.[key];
  }

  private put(name: string, value: string | string[]): void {
    const key = this.handedKey(name);
    if (key === undefined) return void this.response.setHeader(name, value);
    // The caller may hand over the same object with every response: an id in it would reach other clients.
    if (!this.isCopied) this.handed = { ...this.handed };
    this.isCopied = true;
    (this.handed as Record<string, HeaderValue>)[key] = value;
  }

  private handedKey(name: string): string | undefined {
    if (!this.handed) return undefined;
    const wanted = name.toLowerCase();
    // Of names that differ in case only, the last one counts for Node.
    return Object.keys(this.handed).findLast((key) => key.toLowerCase() === wanted);
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
