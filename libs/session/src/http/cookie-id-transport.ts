import type { AMBIGUOUS } from './ambiguous.js';
import { readCookie } from './cookie-header.js';
import type { IdCarryingRequest, SessionIdTransport } from './id-transport.js';
import { protectFromCaches } from './protect-from-caches.js';
import type { ResponseHeaders } from './response-headers.js';
import type { SessionCookie } from './session-cookie.js';
import { varyBy } from './vary-by.js';

/** The token travels in a cookie: the default, and the only transport scripts of a page cannot read. */
export class CookieIdTransport implements SessionIdTransport {
  constructor(private readonly cookie: SessionCookie) {}

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
}
