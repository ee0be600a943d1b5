import type { IncomingHttpHeaders } from 'node:http';
import type { AMBIGUOUS } from './ambiguous.js';
import type { ResponseHeaders } from '../response/response-headers.js';

/** The part of a request in which a session id can travel; `IncomingMessage` is one. */
export interface IdCarryingRequest {
  readonly headers: IncomingHttpHeaders;

  /** The request target as it came in, before any router rewrote it. */
  readonly url?: string | undefined;
}

/**
 * How the token of a session travels between client and server: option `idTransport`. One per application, built at boot,
 * without state. A token that arrives in another way than the configured one does not count (OWASP session management cheat
 * sheet: used and accepted mechanisms).
 */
export interface SessionIdTransport {
  /**
   * What the request presents: the raw text, to be checked by `SessionTokenFormat.parse`; `undefined` for nothing;
   * `AMBIGUOUS` for more than one, which is no session either.
   */
  read(request: IdCarryingRequest, secure: boolean): string | undefined | typeof AMBIGUOUS;

  /** Says on a response that depends on a session that it does. Call it on every response for which `read` was asked. */
  markRead(headers: ResponseHeaders): void;

  /** Hands a token to the client, and keeps the response out of shared caches. Call it when the client's token changes. */
  write(headers: ResponseHeaders, token: string, secure: boolean): void;

  /** What the client says about how much of its session it has seen: raw text, as `read`. Asked only where clients are told. */
  readFreshness(request: IdCarryingRequest, secure: boolean): string | undefined | typeof AMBIGUOUS;

  /** Tells the client how much of its session it has seen with this response, apart from the token. */
  writeFreshness(headers: ResponseHeaders, freshness: string, secure: boolean): void;
}
