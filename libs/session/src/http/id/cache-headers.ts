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

/**
 * Keeps a response that gives or ends a session id out of shared caches: a cached `Set-Cookie` would give one user's
 * session to others (ASVS 5.0 14.3.2, Flask CVE-2023-30861). Sets `Cache-Control: no-store`, unless the application
 * chose `no-store` or `private` itself. `private` for some fields only (`private="set-cookie"`) leaves the body
 * cacheable and does not count.
 */
export function protectFromCaches(headers: ResponseHeaders): void {
  const current = headers.get('Cache-Control');
  if (current === undefined || !isUnshared(current)) headers.set('Cache-Control', 'no-store');
}

function isUnshared(cacheControl: string): boolean {
  // A quoted argument may hold commas and words that only look like directives.
  return cacheControl
    .replace(/"[^"]*"/g, '""')
    .split(',')
    .map((directive) => directive.trim().toLowerCase())
    .some((directive) => directive === 'no-store' || directive === 'private');
}
