import { AMBIGUOUS } from './ambiguous.js';
import type { IdCarryingRequest, SessionIdTransport } from './id-transport.js';
import { protectFromCaches } from './protect-from-caches.js';
import type { ResponseHeaders } from '../response/response-headers.js';
import { varyBy } from './vary-by.js';

const HEADER = 'X-Session-Id';

/**
 * The token travels in the header `X-Session-Id`, both ways, for clients that are no browsers; `X-Session-Seen` likewise, which the client takes over
 * from every response that has it. Opt-in: the client keeps the
 * token itself, where scripts can read it (deviates from OWASP ASVS 5.0 3.3.4). Cookies are not read.
 */
export class HeaderIdTransport implements SessionIdTransport {
  read(request: IdCarryingRequest): string | undefined | typeof AMBIGUOUS {
    const value = request.headers['x-session-id'];
    if (value === undefined) return undefined;
    // Node joins repeated headers with ", ", and no token has a comma.
    return typeof value !== 'string' || value.includes(',') ? AMBIGUOUS : value;
  }

  markRead(headers: ResponseHeaders): void {
    varyBy(headers, HEADER);
  }

  write(headers: ResponseHeaders, token: string): void {
    headers.set(HEADER, token);
    protectFromCaches(headers);
  }

  readFreshness(request: IdCarryingRequest): string | undefined | typeof AMBIGUOUS {
    const value = request.headers['x-session-seen'];
    return typeof value === 'string' ? value : undefined;
  }

  writeFreshness(headers: ResponseHeaders, freshness: string): void {
    headers.set('X-Session-Seen', freshness);
    protectFromCaches(headers);
  }
}
