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

/** The address is of this machine. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\./i.test(address);
}
