import type { ResponseHeaders } from '../response/response-headers.js';
import { keepPrivate, protectFromCaches, varyBy } from './cache-headers.js';
import { readCookie } from './cookie-header.js';
import { AMBIGUOUS, type IdCarryingRequest, type PresentedText, type SessionIdTransport } from './id-transport.js';
import type { SessionCookie } from './session-cookie.js';

const PARAMETER = 'sid';
const EQUALS = '='.charCodeAt(0);

/** A scheme, or two slashes: the address names a host. */
const NAMES_A_HOST = /^(?:[A-Za-z][A-Za-z0-9+.-]*:|\/\/)/;

/** Browsers drop tabs and line breaks, trim control characters, and read "\" as "/": "/\t/host" names a host, too. */
// oxlint-disable-next-line no-control-regex
const REWRITTEN_BY_BROWSERS = /[\u0000-\u0020\u007f\\]/;

/**
 * The token travels in the query parameter `sid` of the addresses that the application passed through `encodeUrl`.
 * Opt-in and discouraged: addresses end up in logs, histories and other people's mail (fails OWASP ASVS 5.0 14.2.1,
 * level 1).
 *
 * A cookie of the configured name is read too and wins when both are there, as in the servlet specification; no cookie
 * is ever written. Every response says `Referrer-Policy: no-referrer`, so that links to other sites do not pass the
 * token on.
 */
export class UrlIdTransport implements SessionIdTransport {
  constructor(private readonly cookie: SessionCookie) {}

  read(request: IdCarryingRequest, secure: boolean): PresentedText {
    const fromCookie = readCookie(request.headers.cookie, this.cookie.nameFor(secure));
    return fromCookie ?? (request.url === undefined ? undefined : readUrlParameter(request.url));
  }

  presentsSecure(request: IdCarryingRequest): boolean {
    return this.cookie.isSecureIn(request.headers.cookie);
  }

  isWithheld(): boolean {
    return false;
  }

  isBeacon(): boolean {
    return false;
  }

  refuseOutside(): void {}

  markRead(headers: ResponseHeaders): void {
    headers.set('Referrer-Policy', 'no-referrer');
    varyBy(headers, 'Cookie');
    keepPrivate(headers);
  }

  /** Writes no token: the client finds it in the addresses of the body, or in `Location` (see `encodeUrl`). */
  write(headers: ResponseHeaders): void {
    headers.set('Referrer-Policy', 'no-referrer');
    protectFromCaches(headers);
  }

  /** An address cannot be taken back. */
  remove(): void {}

  /** An address cannot be updated later, so with this transport the freshness does not travel. */
  readFreshness(): undefined {
    return undefined;
  }

  writeFreshness(): void {}
}

/**
 * An address with the session token in it, for links, forms and redirects of an application that uses the transport
 * `url` (the servlet specification's `encodeURL`). The parameter `sid` goes to the end of the query, in front of a
 * fragment, and replaces one that is there: `/cart?page=2#top` becomes `/cart?page=2&sid=<token>#top`.
 *
 * Only addresses within the application get the token. An address that names a host, or that a browser might understand
 * so, is returned unchanged, since the token would go to another site. An address that stays on the page (empty, or
 * only a fragment) is returned unchanged, too.
 */
export function encodeUrl(url: string, token: string): string {
  if (url === '' || url.startsWith('#') || NAMES_A_HOST.test(url) || REWRITTEN_BY_BROWSERS.test(url)) return url;
  const fragment = url.indexOf('#');
  const address = fragment === -1 ? url : url.slice(0, fragment);
  const question = address.indexOf('?');
  const path = question === -1 ? address : address.slice(0, question);
  const query = question === -1 ? '' : address.slice(question + 1);
  return `${path}?${withUrlParameter(query, token)}${fragment === -1 ? '' : url.slice(fragment)}`;
}

/**
 * The query parameter `sid` of a request target: `undefined` when it is not there, `AMBIGUOUS` when it is there more
 * than once, even with equal values. Name and value are taken as they stand, without percent-decoding; `;` does not
 * separate; a path never counts. Linear time.
 */
export function readUrlParameter(url: string): string | undefined | typeof AMBIGUOUS {
  const fragment = url.indexOf('#');
  const end = fragment === -1 ? url.length : fragment;
  const question = url.indexOf('?');
  if (question === -1) return undefined;
  let found: string | undefined;
  for (let start = question + 1; start <= end;) {
    const ampersand = url.indexOf('&', start);
    const stop = ampersand === -1 || ampersand > end ? end : ampersand;
    if (isParameter(url, start, stop)) {
      if (found !== undefined) return AMBIGUOUS;
      found = url.slice(start + PARAMETER.length + 1, stop);
    }
    start = stop + 1;
  }
  return found;
}

/** A query (without `?`) with `sid` set to the token. Removes every `sid` that was there. */
export function withUrlParameter(query: string, token: string): string {
  const others = query.split('&').filter((pair) => pair !== '' && !isParameter(pair, 0, pair.length));
  return [...others, `${PARAMETER}=${token}`].join('&');
}

/** `sid` without `=` counts as well: other parsers read it as an empty value. */
function isParameter(text: string, start: number, stop: number): boolean {
  const nameEnd = start + PARAMETER.length;
  return (
    text.startsWith(PARAMETER, start) && (nameEnd === stop || (nameEnd < stop && text.charCodeAt(nameEnd) === EQUALS))
  );
}
