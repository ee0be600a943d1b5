import type { IncomingHttpHeaders } from 'node:http';

/**
 * Headers that proxies add. Anybody can send them, so they say nothing about a client: they only hint that the peer may
 * be a proxy, whose address and protocol are not those of the client.
 */
const PROXY_HEADERS = [
  'x-forwarded-for',
  'forwarded',
  'x-real-ip',
  'via',
  'cf-connecting-ip',
  'true-client-ip',
  'fastly-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-envoy-external-address',
  'x-azure-clientip',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
] as const;

/** The request looks as if a proxy had passed it on. */
export function looksForwarded(headers: IncomingHttpHeaders): boolean {
  return PROXY_HEADERS.some((name) => headers[name] !== undefined);
}

/** The request looks as if it had come to a proxy over TLS. */
export function looksLikeTls(headers: IncomingHttpHeaders): boolean {
  const { forwarded } = headers;
  return /\bhttps\b/i.test(String(headers['x-forwarded-proto'])) || /\bproto="?https\b/i.test(String(forwarded));
}

/**
 * The protocol of the client, as far as the framework's request trusts the proxies. Each of them adds its own to
 * `X-Forwarded-Proto`, and the first one is the client's. Express reads it so; Fastify reads the last, so a request
 * that differs in this header answers instead.
 */
export function protocolOf(request: { readonly protocol?: string }, headers: IncomingHttpHeaders): string | undefined {
  const forwarded = headers['x-forwarded-proto'];
  if (typeof forwarded !== 'string' || !forwarded.includes(',')) return request.protocol;
  const asked = { ...headers, 'x-forwarded-proto': forwarded.slice(0, forwarded.indexOf(',')).trim() };
  return (Object.create(request, { headers: { value: asked } }) as typeof request).protocol;
}

/**
 * The path as the client has asked for it: proxies say in `X-Forwarded-Prefix` which part they have taken away. They
 * need not be trusted: it decides only whether a client may start a session where it might not bring the id back.
 *
 * @param target of the request: a path with a query, or a whole address
 */
export function clientPath(target: string, headers: IncomingHttpHeaders): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').replace(/[?#].*$/s, '');
  const prefixes = String(headers['x-forwarded-prefix'] ?? '').split(',');
  const prefix = prefixes.map((part) => part.trim().replace(/\/$/, '')).join('');
  return prefix + (path.startsWith('/') ? path : `/${path}`);
}
