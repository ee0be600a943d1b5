import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { hasForked, lineageAfter, type Owners } from '../copy/epoch.js';
import { Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import type { Tombstone } from '../copy/tombstone.js';
import type { ReplicationContext } from '../protocol/replication-context.js';

/** A copy that a member, or this one, has told of and has fenced. */
export interface ClaimedCopy extends Owners {
  readonly key: SessionKey;

  /** Name of the member that has it. */
  readonly holder: string;

  /** Names the holder's process; undefined when it was not asked. */
  readonly holderProcess: string | undefined;
  readonly seq: number;
  readonly lineage: string;
  readonly state: SessionState | Tombstone;

  /** Another member had claimed it before. */
  readonly wasFenced: boolean;

  /** Names the process of the primary that put it, if the holder still knows that one. */
  readonly primaryProcess: string | undefined;

  /** The holder was given it then or later, by this member's monotonic clock. */
  readonly putAt: number;

  /** When the holder last heard the primary, by this member's monotonic clock: a lease may count from then. */
  readonly primaryHeardAt: number;
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
