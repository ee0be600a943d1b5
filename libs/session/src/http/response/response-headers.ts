/**
 * The response headers as this package writes them, alike on Express and on Fastify. Lives as long as the response; used
 * only before its first byte. Names are case-insensitive.
 */
export interface ResponseHeaders {
  /** The current value, several joined with `, `; `undefined` when the header is not set. */
  get(name: string): string | undefined;

  /** Replaces whatever is there. */
  set(name: string, value: string): void;

  /**
   * Adds a value and keeps the others. A `Set-Cookie` takes the place of an earlier one of the same cookie name: a response
   * must not set one cookie twice (RFC 6265bis). `appendSetCookie` is this rule.
   */
  append(name: string, value: string): void;
}
