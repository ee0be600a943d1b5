import type { IncomingHttpHeaders } from 'node:http';
import type { ResponseHeaders } from '../response/response-headers.js';

/**
 * The answer of `read` when the client named more than one session where it should name one: it is unclear which one it
 * means, so there is none (ASVS 5.0 15.3.7). A symbol, because any text could be a token.
 */
export const AMBIGUOUS: unique symbol = Symbol('ambiguous');

/**
 * The text of a token as a client presents it, unchecked. Several of cookies: a client may have cookies of one name
 * that other applications, or other paths and domains, have set.
 */
export type PresentedText = string | readonly string[] | typeof AMBIGUOUS | undefined;

/** The part of a request in which a session id can travel; `IncomingMessage` is one. */
export interface IdCarryingRequest {
  readonly headers: IncomingHttpHeaders;

  readonly method?: string | undefined;

  /** The request target as it came in, before any router rewrote it. */
  readonly url?: string | undefined;
}

/**
 * How the token of a session travels between client and server: option `idTransport`. There is one per application,
 * built at boot, without state. A token that arrives in another way than the configured one does not count (OWASP
 * session management cheat sheet: used and accepted mechanisms).
 *
 * `secure` says whether the request came over TLS, as far as the application trusts it, or presents a token that was
 * given out so.
 */
export interface SessionIdTransport {
  /**
   * The token that the request presents, as raw text: `SessionTokenFormat.parse` checks it. `undefined` when there is
   * none.
   */
  read(request: IdCarryingRequest, secure: boolean): PresentedText;

  /** The request presents a token in a way in which only responses over TLS give it out. */
  presentsSecure(request: IdCarryingRequest): boolean;

  /**
   * The client is a browser that does not send its token with requests like this one: that there is none says nothing,
   * and a new token would take the place of one that the browser has.
   */
  isWithheld(request: IdCarryingRequest): boolean;

  /**
   * The client is a browser, and nobody reads the answer (`navigator.sendBeacon`, a ping of a link). Often such a
   * request is sent along with a form that logs in, and is answered later: a token for a session that it starts would
   * take the place of the login's.
   */
  isBeacon(request: IdCarryingRequest): boolean;

  /**
   * Refuses a new token where clients would not bring it back.
   * @param path of the request
   * @throws SessionConfigurationError
   */
  refuseOutside(path: string): void;

  /** Tells caches that the response depends on the session. Call it on every response for which `read` was called. */
  markRead(headers: ResponseHeaders): void;

  /**
   * Gives the client a token and keeps the response out of shared caches. Call it when the client's token changes.
   * @param keptForMs for how long the client keeps it; undefined: as it likes
   */
  write(headers: ResponseHeaders, token: string, secure: boolean, keptForMs?: number): void;

  /** Tells the client to forget its token, which stands for nothing. Keeps the response out of shared caches. */
  remove(headers: ResponseHeaders, secure: boolean): void;

  /**
   * How much of its session the client has seen, as raw text, like `read`. Called only where `writeFreshness` is, too:
   * with the near cache in mode `bounded`.
   */
  readFreshness(request: IdCarryingRequest, secure: boolean): PresentedText;

  /** Tells the client how much of its session it has seen with this response. Travels apart from the token. */
  writeFreshness(headers: ResponseHeaders, freshness: string, secure: boolean): void;
}
