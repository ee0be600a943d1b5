import type { ResponseHeaders } from '../response/response-headers.js';
import { keepPrivate, protectFromCaches, varyBy } from './cache-headers.js';
import { readCookie } from './cookie-header.js';
import type { IdCarryingRequest, PresentedText, SessionIdTransport } from './id-transport.js';
import type { SessionCookie } from './session-cookie.js';

/** The token travels in a cookie: the default, and the only transport that scripts of a page cannot read. */
export class CookieIdTransport implements SessionIdTransport {
  /**
   * A cookie of its own: it changes with every write, and must not send the id along each time. It ends with the
   * browser also where the id does not: without it the store is asked.
   */
  private readonly freshness: SessionCookie;

  constructor(private readonly cookie: SessionCookie) {
    this.freshness = cookie.withSuffix('-seen');
  }

  read(request: IdCarryingRequest, secure: boolean): PresentedText {
    return readCookie(request.headers.cookie, this.cookie.nameFor(secure));
  }

  presentsSecure(request: IdCarryingRequest): boolean {
    return this.cookie.isSecureIn(request.headers.cookie);
  }

  isWithheld({ headers, method }: IdCarryingRequest): boolean {
    // By Fetch Metadata, which all browsers send over TLS and to localhost.
    if (headers['sec-fetch-site'] !== 'cross-site') return false;
    const isNavigation = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
    const storageAccess = headers['sec-fetch-storage-access'];
    return this.cookie.isWithheldFromOtherSites({
      isLink: isNavigation && SAFE_METHODS.has(method ?? ''),
      // Chromium says so; other browsers say nothing.
      isEmbeddedWithoutCookies: storageAccess === 'none' || storageAccess === 'inactive',
    });
  }

  isBeacon({ headers }: IdCarryingRequest): boolean {
    return headers['sec-fetch-mode'] === 'no-cors' && headers['sec-fetch-dest'] === 'empty';
  }

  refuseOutside(path: string): void {
    this.cookie.refuseOutside(path);
  }

  markRead(headers: ResponseHeaders): void {
    varyBy(headers, 'Cookie');
    keepPrivate(headers);
  }

  write(headers: ResponseHeaders, token: string, secure: boolean, keptForMs?: number): void {
    headers.append('Set-Cookie', this.cookie.serialize(token, secure, keptForMs));
    protectFromCaches(headers);
  }

  remove(headers: ResponseHeaders, secure: boolean): void {
    headers.append('Set-Cookie', this.cookie.removal(secure));
    protectFromCaches(headers);
  }

  readFreshness(request: IdCarryingRequest, secure: boolean): PresentedText {
    return readCookie(request.headers.cookie, this.freshness.nameFor(secure));
  }

  writeFreshness(headers: ResponseHeaders, freshness: string, secure: boolean): void {
    headers.append('Set-Cookie', this.freshness.serialize(freshness, secure));
    protectFromCaches(headers);
  }
}

/** With `SameSite=Lax` a browser sends the cookie along when one of these opens a page from another site. */
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
