import type { ResponseHeaders } from '../response/response-headers.js';

/**
 * Tells caches that the response depends on a request header (RFC 9110, 12.5.5). Keeps what the application named; adds
 * nothing where the header or `*` is named already.
 */
export function varyBy(headers: ResponseHeaders, field: string): void {
  const current = headers.get('Vary');
  if (current === undefined || current === '') return headers.set('Vary', field);
  const named = current.split(',').map((name) => name.trim().toLowerCase());
  if (!named.includes('*') && !named.includes(field.toLowerCase())) headers.set('Vary', `${current}, ${field}`);
}
