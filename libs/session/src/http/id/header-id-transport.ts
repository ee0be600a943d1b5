import type { ResponseHeaders } from '../response/response-headers.js';
import { keepPrivate, protectFromCaches, varyBy } from './cache-headers.js';
import { AMBIGUOUS, type IdCarryingRequest, type PresentedText, type SessionIdTransport } from './id-transport.js';

/** The header that brings the token. */
export const SESSION_ID_HEADER = 'X-Session-Id';
const FRESHNESS_HEADER = 'X-Session-Seen';

/**
 * The token travels in the header `X-Session-Id`, both ways, for clients that are not browsers. `X-Session-Seen`
 * travels likewise: the client sends back the last value that it received. Opt-in, because the client keeps the token
 * itself, where scripts can read it (deviates from OWASP ASVS 5.0 3.3.4). Cookies are not read. Scripts of other
 * origins may read the headers where the application allows CORS (`Access-Control-Expose-Headers`).
 */
export class HeaderIdTransport implements SessionIdTransport {
  read(request: IdCarryingRequest): PresentedText {
    const value = request.headers['x-session-id'];
    if (value === undefined) return undefined;
    // Node joins repeated headers with ", ", and no token has a comma.
    return typeof value !== 'string' || value.includes(',') ? AMBIGUOUS : value;
  }

  presentsSecure(): boolean {
    return false;
  }

  isWithheld(): boolean {
    return false;
  }

  isBeacon(): boolean {
    return false;
  }

  refuseOutside(): void {}

  markRead(headers: ResponseHeaders): void {
    varyBy(headers, SESSION_ID_HEADER);
    keepPrivate(headers);
  }

  write(headers: ResponseHeaders, token: string): void {
    this.send(headers, SESSION_ID_HEADER, token);
  }

  /** An empty `X-Session-Id`. */
  remove(headers: ResponseHeaders): void {
    this.write(headers, '');
  }

  readFreshness(request: IdCarryingRequest): PresentedText {
    const value = request.headers['x-session-seen'];
    return typeof value === 'string' ? value : undefined;
  }

  writeFreshness(headers: ResponseHeaders, freshness: string): void {
    this.send(headers, FRESHNESS_HEADER, freshness);
  }

  private send(headers: ResponseHeaders, name: string, value: string): void {
    headers.set(name, value);
    expose(headers, name);
    protectFromCaches(headers);
  }
}

/**
 * Lets scripts of other origins read a header, where the application lets them read the response (CORS). `*` alone does
 * not do for requests with credentials.
 */
function expose(headers: ResponseHeaders, name: string): void {
  if (headers.get('Access-Control-Allow-Origin') === undefined) return;
  const exposed = headers.get('Access-Control-Expose-Headers') ?? '';
  const names = exposed.split(',').map((one) => one.trim());
  if (names.some((one) => one.toLowerCase() === name.toLowerCase())) return;
  headers.set('Access-Control-Expose-Headers', [...names, name].filter((one) => one !== '').join(', '));
}
