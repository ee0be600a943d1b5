import type { Payloads } from './payloads.js';
import type { PendingCommit } from './pending-commit.js';

/** What a unit of work sees: one moment of its session, whole. */
export interface SessionSnapshot {
  readonly payloads: Payloads;

  /** Commits that are part of `payloads` and were not stored yet at that moment, oldest first. */
  readonly unsaved: readonly PendingCommit[];
}

/** Where there is no session yet. */
export const emptySnapshot: SessionSnapshot = { payloads: new Map(), unsaved: [] };
