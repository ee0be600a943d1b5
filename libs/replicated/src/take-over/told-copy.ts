import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, hasForked, lineageAfter, type Renewed } from '../copy/epoch.js';
import { Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import type { Tombstone } from '../copy/tombstone.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { CopyCheck } from '../protocol/replication-message.js';

/** A copy that a member, or this one, has told of. */
export interface ToldCopy extends BegunEpoch, Renewed {
  readonly key: SessionKey;

  /** Name of the member that has it. */
  readonly holder: string;

  /** Names the holder's process. */
  readonly holderProcess: string;
  readonly seq: number;
  readonly lineage: string;

  /** A member had claimed it before. */
  readonly wasFenced: boolean;

  /** Names the process of the primary that put it, if the holder still knows that one. */
  readonly primaryProcess: string | undefined;

  /** The holder was given it then or later, by this member's monotonic clock. */
  readonly putAt: number;

  /** When the holder last heard the primary, by this member's monotonic clock: a lease may count from then. */
  readonly primaryHeardAt: number;
}

/** A copy that was claimed: its holder has fenced it. */
export interface ClaimedCopy extends ToldCopy {
  readonly state: SessionState | Tombstone;
}

/** A copy that was compared with the evidence of a caller, and nothing else. */
export interface PeekedCopy extends ToldCopy {
  readonly check: CopyCheck;
  readonly isServing: boolean;
}

/**
 * Keeps a copy that another member told of, fenced, as a member that only knows of the epoch. A primary must have the
 * state before anybody is told of a new epoch: others would take its answer "I have none" for the end of the session.
 */
export function adoptCopy({ table, members, events }: ReplicationContext, copy: ClaimedCopy): Replica {
  const { key, counter, node, backup, seq, state, lineage, primaryProcess } = copy;
  const before = table.get(key);
  if (before?.isOwn && hasForked(lineageAfter(lineage, copy), before)) events.yielded(key, node);
  const primary = members.get(node);
  const isSameProcess = primary !== undefined && primary.process === primaryProcess;
  const replica = new Replica({
    key,
    counter,
    node,
    backup,
    seq,
    state,
    isOwn: false,
    partnerGeneration: isSameProcess ? primary.processes : -1,
    lineage,
  });
  replica.fenced = true;
  table.install(replica);
  return replica;
}
