import type { AMBIGUOUS } from './ambiguous.js';
import { readCookie } from './cookie-header.js';
import type { IdCarryingRequest, SessionIdTransport } from './id-transport.js';
import { protectFromCaches } from './protect-from-caches.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import type { SessionCookie } from './session-cookie.js';
import { varyBy } from './vary-by.js';

/** The token travels in a cookie: the default, and the only transport scripts of a page cannot read. */
export class CookieIdTransport implements SessionIdTransport {
  /** A second cookie, like the first: what it says changes with every write, and must not take the id along. */
  private readonly freshness: SessionCookie;

  constructor(private readonly cookie: SessionCookie) {
    this.freshness = cookie.named('-seen');
  }

  read(request: IdCarryingRequest, secure: boolean): string | undefined | typeof AMBIGUOUS {
    return readCookie(request.headers.cookie, this.cookie.nameFor(secure));
  }

  markRead(headers: ResponseHeaders): void {
    varyBy(headers, 'Cookie');
  }

  write(headers: ResponseHeaders, token: string, secure: boolean): void {
    headers.append('Set-Cookie', this.cookie.serialize(token, secure));
    protectFromCaches(headers);
  }

  readFreshness(request: IdCarryingRequest, secure: boolean): string | undefined | typeof AMBIGUOUS {
    return readCookie(request.headers.cookie, this.freshness.nameFor(secure));
  }

  writeFreshness(headers: ResponseHeaders, freshness: string, secure: boolean): void {
    headers.append('Set-Cookie', this.freshness.serialize(freshness, secure));
    protectFromCaches(headers);
  }
}
