import type { SessionCookieOptions } from '../http/id/session-cookie.js';
import type { Clock } from '../store/clock.js';
import type { SessionStore } from '../store/session-store.js';

/** What stays in this process of sessions that a store keeps. */
export interface NearCacheOptions {
  /**
   * `validate` (default): each request asks the store whether the copy is the newest, in one round trip, and gets the session only if it is not. Nothing
   * stale is ever read. `bounded`: no round trip while the store tells this server what others change; a read is never older than `maxStalenessMs`,
   * and never older than what its client has seen. Needs a store that notifies.
   */
  readonly mode?: 'validate' | 'bounded';

  /** Sessions kept without a request, and about how many bytes they may take. Beyond, those unused for longest go. Default 10 000 and 64 MiB. */
  readonly maxSessions?: number;
  readonly maxBytes?: number;

  /** `bounded` only: at least 100, default 200. Smaller means that a slow network is met with a round trip earlier. */
  readonly maxStalenessMs?: number;
}

/**
 * Options of `SessionModule.forRoot()`. Every duration is in milliseconds and finite: a session that never ends is refused
 * (OWASP ASVS 5.0 7.3). Checked and frozen at boot; the defaults are in `resolve-options.ts`.
 */
export interface SessionModuleOptions {
  /** Where sessions are kept. Default: a bounded `MemorySessionStore`, gone when the process ends. Closed with the application. */
  readonly store?: SessionStore;

  /** A session ends after this long without a request. Default 30 minutes. */
  readonly idleTimeoutMs?: number;

  /** A session ends this long after its creation, however active it is. Default 12 hours. */
  readonly absoluteTimeoutMs?: number;

  /** A session whose client never came back with the id ends after this long. Default 5 minutes, at most `idleTimeoutMs`. */
  readonly unjoinedTimeoutMs?: number;

  /**
   * Requests that change nothing move the end of life at most this often, so a session may end that much earlier than
   * `idleTimeoutMs` says. Default: a tenth of `idleTimeoutMs`, at most 1 minute. At most half of `idleTimeoutMs`.
   */
  readonly touchIntervalMs?: number;

  /**
   * Name of this server, 1 to 32 letters and digits: becomes the route behind the id, for sticky balancers. Default: none. Not with a store that
   * says itself where its sessions are.
   */
  readonly nodeName?: string;

  /**
   * Keeps sessions of the store in this process after their last request, with their instances. Default: off. See docs/near-cache.md.
   */
  readonly nearCache?: NearCacheOptions;

  /** HMAC keys of at least 16 bytes that sign the id in the cookie: the first signs, all verify. Default: ids are not signed. */
  readonly signingKeys?: readonly string[];

  /** The cookie. */
  readonly cookie?: SessionCookieOptions;

  /**
   * How the id travels. `cookie` (default); `header`: `X-Session-Id` both ways, for clients that are no browsers; `url`: query parameter `sid`
   * of addresses made with `HttpSession.encodeUrl`, which leaks ids into logs and histories and fails OWASP ASVS level 1.
   */
  readonly idTransport?: 'cookie' | 'header' | 'url';

  /**
   * `always` (default) stores what a request changed even when it fails, as servlet containers do; `success` forgets the changes of a request that
   * is answered with status 400 or above.
   */
  readonly commitOn?: 'always' | 'success';

  /** For beans that do not say: what a conflict without a `@Merge` rule means. Default `reject` (409). */
  readonly onConflict?: 'reject' | 'latest';

  /** For beans that do not say: what stored state that cannot be decoded means. Default `reject`. */
  readonly onUndecodable?: 'reject' | 'reset';

  /** Bound of one session's stored text, in UTF-8 bytes. Default 1 MiB. */
  readonly maxSessionBytes?: number;

  /**
   * A call of a store that other servers share is waited for at most this long, then the request is answered with 503. Default 750 ms.
   */
  readonly storeTimeoutMs?: number;

  /** Where the library takes the time from; for tests. Default: the clock of this machine. */
  readonly clock?: Clock;
}
