import type { LiveSession } from '../live/live-session.js';
import type { MaybePromise } from '../store/maybe-promise.js';
import type { FormerSession } from './former-session.js';

/** An id as a client carries it. */
export interface CarriedId {
  readonly id: string;

  /** Where the session is, as the client was told with the id; undefined where it is told nothing. */
  readonly locator: string | undefined;
}

/** An id as a client is given it. */
export interface GivenId extends CarriedId {
  /** For how long the client keeps the id, in ms; undefined where it is not told. */
  readonly keptForMs: number | undefined;
}

/** An id as a client presents it. */
export interface PresentedId extends CarriedId {
  /** How much of the session the client has seen, as it says: see freshness.ts. */
  readonly freshness: string | undefined;
}

/** The port of the life cycle to the transport of one request; HTTP implements it. */
export interface IdExchange {
  /**
   * The ids that the client presented, nearly always one or none: those that this application may have given out. A
   * client may bring several, for example in cookies of other paths. `ambiguous` where several make no sense.
   */
  presented(): readonly PresentedId[] | 'ambiguous';

  /** A session of another library that the client brings, where the application takes such over. */
  former?(): FormerSession | undefined;

  /** The head of the response is on its way: no id can be handed out any more. */
  readonly isHeadSent: boolean;

  /** There is no response that could bring the client an id: the code runs outside of HTTP handlers. Default false. */
  readonly hasNoResponse?: boolean | undefined;

  /** The framework's request, for code of the application; undefined where there is none. */
  readonly frameworkRequest?: unknown;

  /** The connection has closed before the response was sent. A new id would lock the client out. */
  readonly isClientGone: boolean;

  /**
   * Asks whether this client may start a session without a login.
   * @returns undefined when nobody has to be asked
   * @throws SessionConfigurationError when the client would not bring the id back
   * @throws (rejects with) SessionNotAdmittedError when it may not
   */
  admitStart(): MaybePromise<void>;
}

/** Nobody waits for an answer. */
export const NO_CLIENT: IdExchange = {
  presented: () => [],
  isHeadSent: true,
  isClientGone: true,
  admitStart: () => undefined,
};

/** There will be a client: the caller passes on the id. */
export const NEW_CLIENT: IdExchange = { ...NO_CLIENT, isHeadSent: false, isClientGone: false };

/** The application names the session itself. */
export const NO_RESPONSE: IdExchange = { ...NEW_CLIENT, hasNoResponse: true };

/**
 * Gives the locator of a token: what a client is told with its id about where its session is; undefined when it is told
 * nothing. Called when the head of the response is written, so it speaks of everything that the request stored.
 *
 * @param live undefined for a session that is about to start
 */
export type LocatorOf = (live: LiveSession | undefined) => string | undefined;
