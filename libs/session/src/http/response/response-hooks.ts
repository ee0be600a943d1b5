import type { SessionError } from '../../errors/session.error.js';
import type { MaybePromise } from '../../store/maybe-promise.js';
import type { ResponseHeaders } from './response-headers.js';

/** The functions that the response gate calls while a response leaves. `HttpLifecycle` implements them. */
export interface ResponseHooks {
  /**
   * Bytes of a response with this status are about to leave. A promise holds the response back until it settles; a
   * rejection replaces the response, or breaks it off when a part of it has left. Undefined lets the bytes pass at
   * once.
   *
   * @param moment
   * - `head`: the first bytes.
   * - `held`: the response was held back, and its head leaves next. Only the head can carry the id of a session that
   *   the request started meanwhile.
   * - `end`: the last bytes, and so the last chance.
   */
  beforeBytes(status: number, moment: 'head' | 'held' | 'end'): MaybePromise<void>;

  /** The head is about to be written: the last moment for headers. Called again only when writing it failed. */
  beforeHead(headers: ResponseHeaders, status: number): void;

  /**
   * The body of an error that takes the place of the response; undefined for the shape of Nest's default filter.
   * @param refusal undefined for an error that says nothing to clients
   */
  errorBody?(refusal: SessionError | undefined): object | undefined;

  /**
   * The response has ended (`isComplete`), or its client has gone before that. In the second case it is called once
   * more when the response is ended all the same.
   */
  afterEnd(isComplete: boolean): void;
}
