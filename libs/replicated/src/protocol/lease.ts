import { isSatisfied, type Witness } from '../copy/epoch.js';
import type { Replica } from '../copy/replica.js';
import { isTombstone } from '../copy/tombstone.js';
import type { ReplicationContext } from './replication-context.js';

/** Whether this member is the primary of the copy, and the copy is as new as all of the witnesses say. */
export function isPrimaryOf(replica: Replica, witnesses: readonly Witness[]): boolean {
  if (!replica.isOwn || replica.fenced || isTombstone(replica.state)) return false;
  return witnesses.every((witness) => isSatisfied(witness, replica) || isYielding(witness, replica));
}

/** [M5] Others went on from a state whose id had been renewed less often: they are the ones to yield. */
function isYielding({ from, generation }: Witness, replica: Replica): boolean {
  return from === 'member' && generation < replica.generation;
}

/**
 * Whether the primary of this copy may answer without asking its backup. A member that takes the session over without
 * reaching this member waits until this lease has ended.
 */
export function hasLease({ members, timers, options }: ReplicationContext, replica: Replica): boolean {
  if (replica.isAlone) return true;
  const backup = members.get(replica.backup);
  if (!backup || backup.incarnations !== replica.partnerGeneration) return false;
  return timers.now() - Math.max(backup.followedAt, replica.confirmedAt) < options.leaseMs;
}
