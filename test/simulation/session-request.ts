import type { ListName, MarkLists } from './mark-lists.js';
import type { SessionLedger } from './session-ledger.js';

/** `writeAlone`: under the lock of the session. */
export type SessionOperation = 'create' | 'read' | 'write' | 'writeAlone' | 'touch' | 'end' | 'endIfUnchanged';

/** What a client asks of a member. */
export interface SessionRequest {
  readonly client: string;
  readonly session: SessionLedger;
  readonly key: string;
  readonly operation: SessionOperation;
  readonly locator: string | undefined;

  /** What the client has been shown so far. */
  readonly shown: MarkLists;

  /** Of a write: its mark, the same for all attempts, and where it goes. */
  readonly mark: string;
  readonly lists: readonly ListName[];

  /** Time that the handler takes between load and save. */
  readonly thinkMs: number;
}

export type SessionReply =
  | { readonly outcome: 'ok'; readonly lists: MarkLists; readonly locator: string | undefined }
  | { readonly outcome: 'none'; readonly isLost: boolean }
  /** 503: a write may have been applied or not. */
  | { readonly outcome: 'unavailable' };
