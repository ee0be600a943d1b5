import type { ListName, MarkLists } from './mark-lists.js';
import type { SessionLedger } from './session-ledger.js';

/** `writeAlone` is a write that holds the lock of the session. */
export type SessionOperation = 'create' | 'read' | 'write' | 'writeAlone' | 'touch' | 'end' | 'endIfUnchanged';

/** A request of a client to a member. */
export interface SessionRequest {
  readonly client: string;
  readonly session: SessionLedger;
  readonly key: string;
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
  | { readonly outcome: 'ok'; readonly lists: MarkLists; readonly locator: string | undefined }
  | { readonly outcome: 'none'; readonly isLost: boolean }
  /** The status 503: a write may or may not have been applied. */
  | { readonly outcome: 'unavailable' };
