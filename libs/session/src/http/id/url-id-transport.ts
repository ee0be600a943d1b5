import { AMBIGUOUS } from './ambiguous.js';
import { readCookie } from './cookie-header.js';
import type { IdCarryingRequest, SessionIdTransport } from './id-transport.js';
import { protectFromCaches } from './protect-from-caches.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import type { SessionCookie } from './session-cookie.js';
import { readUrlParameter } from './url-parameter.js';
import { varyBy } from './vary-by.js';

/**
 * The token travels in the query parameter `sid` of the addresses that the application passed through `encodeUrl`. Opt-in
 * and discouraged: addresses end up in logs, histories and other people's mail (fails OWASP ASVS 5.0 14.2.1, level 1).
 *
 * A cookie of the configured name is read too and wins when both are there, as in the servlet specification; no cookie is
 * ever written. Every response says `Referrer-Policy: no-referrer`, so that links to other sites do not pass the token on.
 */
export class UrlIdTransport implements SessionIdTransport {
  constructor(private readonly cookie: SessionCookie) {}

  read(request: IdCarryingRequest, secure: boolean): string | undefined | typeof AMBIGUOUS {
    const fromCookie = readCookie(request.headers.cookie, this.cookie.nameFor(secure));
    return fromCookie ?? (request.url === undefined ? undefined : readUrlParameter(request.url));
  }

  markRead(headers: ResponseHeaders): void {
    headers.set('Referrer-Policy', 'no-referrer');
    varyBy(headers, 'Cookie');
  }

  /** The token itself reaches the client in the addresses of the body, or in `Location`: see `encodeUrl`. */
  write(headers: ResponseHeaders): void {
    headers.set('Referrer-Policy', 'no-referrer');
    protectFromCaches(headers);
  }

  /** An address cannot be taken back: with this transport nobody is told (see resolve-near-cache.ts). */
  readFreshness(): undefined {
    return undefined;
  }

  writeFreshness(): void {}
}
