import type { ClientAccess } from '../../libs/session/src/store/session-id.js';
import type { ListName, MarkLists } from './mark-lists.js';
import type { SessionLedger } from './session-ledger.js';

/**
 * `writeAlone` is a write that holds the lock of the session. `renew` gives it a new id, and `login` does so with
 * another principal. `job` is a write of the application, which names the session by a handle.
 */
export type SessionOperation = 'create' | 'read' | 'write' | 'writeAlone' | 'touch' | 'renew' | 'login' | 'job' | 'end';

/** A request of a client to a member. */
export interface SessionRequest {
  readonly client: string;
  readonly session: SessionLedger;

  /** The id that the client presents, as a store knows it. */
  readonly access: ClientAccess;
  readonly operation: SessionOperation;
  readonly locator: string | undefined;

  /** The lists that the client has seen so far. */
  readonly shown: MarkLists;

  /** The mark that a write appends, the same in all attempts, and the lists that it goes to. */
  readonly mark: string;
  readonly lists: readonly ListName[];

  /** The time that the handler takes between load and save. */
  readonly thinkMs: number;
}

export type SessionReply =
  | {
      readonly outcome: 'ok';
      readonly access: ClientAccess;
      readonly lists: MarkLists;
      readonly locator: string | undefined;
    }
  | { readonly outcome: 'none'; readonly isLost: boolean }
  /** The client has a former id. */
  | { readonly outcome: 'superseded' }
  /** The status 503: a write may or may not have been applied. */
  | { readonly outcome: 'unavailable' };

/** A call by somebody who should not get the session. */
export interface Intrusion {
  readonly session: SessionLedger;
  readonly access: ClientAccess;
  readonly locator: string | undefined;
  readonly operation: 'read' | 'write' | 'touch' | 'lock' | 'renew' | 'end';
  readonly mark: string;
}
