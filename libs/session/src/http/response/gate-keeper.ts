import type { MaybePromise } from '../../store/maybe-promise.js';
import type { ResponseHeaders } from './response-headers.js';

/** What the response gate asks of the session of the request. */
export interface GateKeeper {
  /**
   * Bytes of a response with this status are about to leave. A promise holds the response back until it settles; a rejection replaces
   * the response while nothing of it has left. Undefined lets it pass at once.
   *
   * `head`: its first bytes. `held`: it was held, goes on after its head, and only the head can carry a new id. `end`: the last chance.
   */
  beforeBytes(status: number, moment: 'head' | 'held' | 'end'): MaybePromise<void>;

  /** The head is about to be written: the last moment for headers. Again only when writing it failed. */
  beforeHead(headers: ResponseHeaders, status: number): void;

  /** The response has ended (`isComplete`), or its client is gone: then once more if the response is ended all the same. */
  afterEnd(isComplete: boolean): void;
}
