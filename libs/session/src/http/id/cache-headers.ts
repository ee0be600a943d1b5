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
 * Headers with which applications give caches of their own rules, beside `Cache-Control` (RFC 9213 and its
 * forerunners), and the value that forbids to store. A cache that knows one of them does not look at `Cache-Control`.
 * In small letters Node finds them in half of the time, and each write with a near cache looks for them.
 */
const RULES_OF_CACHES: readonly (readonly [name: string, value: string])[] = [
  ['cdn-cache-control', 'no-store'],
  ['cloudflare-cdn-cache-control', 'no-store'],
  ['vercel-cdn-cache-control', 'no-store'],
  ['netlify-cdn-cache-control', 'no-store'],
  ['akamai-cache-control', 'no-store'],
  ['edge-control', 'no-store'],
  ['surrogate-control', 'no-store'],
  ['x-accel-expires', '0'],
];

/**
 * Keeps a response that depends on a session to the browser that gets it: not all caches honour `Vary`. Leaves what the
 * application says about caching.
 */
export function keepPrivate(headers: ResponseHeaders): void {
  if (headers.get('Cache-Control') === undefined) headers.set('Cache-Control', 'private');
}

/**
 * Keeps a response that gives or takes back a session id out of shared caches: a cached `Set-Cookie` would give one
 * user's session to others (ASVS 5.0 14.3.2, Flask CVE-2023-30861). Sets `Cache-Control: no-store`, unless the
 * application chose `no-store` or `private` itself. `private` for some fields only (`private="set-cookie"`) leaves the
 * body cacheable and does not count. What the application says to single caches gives way.
 */
export function protectFromCaches(headers: ResponseHeaders): void {
  const current = headers.get('Cache-Control');
  if (current === undefined || !isUnshared(current)) headers.set('Cache-Control', 'no-store');
  for (const [name, value] of RULES_OF_CACHES) if (headers.get(name) !== undefined) headers.set(name, value);
}

function isUnshared(cacheControl: string): boolean {
  // A quoted argument may hold commas and words that only look like directives.
  return cacheControl
    .replace(/"[^"]*"/g, '""')
    .split(',')
    .map((directive) => directive.trim().toLowerCase())
    .some((directive) => directive === 'no-store' || directive === 'private');
}
