import { checkEvidence, type Evidence } from '../copy/evidence.js';
import type { Replica } from '../copy/replica.js';
import { isTombstone } from '../copy/tombstone.js';
import { placeToWire } from '../copy/wire-state.js';
import { describeAbsence, describeCopy } from './describe-copy.js';
import { hasLease, isPrimaryOf } from './lease.js';
import type { ReplicationContext } from './replication-context.js';
import type { CheckedCopy, CopyCheck, PeekAnswer, PeekMessage } from './replication-message.js';

/**
 * [M6] The sender has been asked for a session, and wants to know whether the evidence opens it, before it claims
 * anything. Nothing changes here.
 */
export function handlePeek(context: ReplicationContext, { key, evidence }: PeekMessage): PeekAnswer {
  const replica = context.table.get(key);
  if (!replica) return describeAbsence(context, key);
  return { type: 'checked', ...describeCopy(context, replica), ...checkCopy(context, replica, evidence) };
}

/** The place of the copy, and whether the evidence opens it. */
export function checkCopy(context: ReplicationContext, replica: Replica, evidence: Evidence): CheckedCopy {
  return {
    place: placeToWire(replica),
    generation: replica.generation,
    ...(replica.renewedIn && { renewedIn: replica.renewedIn }),
    check: checkReplica(context, replica, evidence),
    isServing: isPrimaryOf(replica, []) && hasLease(context, replica),
  };
}

/** Whether the evidence opens the session, as far as this copy says. None is needed where no caller asks. */
export function checkReplica(
  { clock, eras }: ReplicationContext,
  replica: Replica,
  evidence: Evidence | undefined,
): CopyCheck {
  const { state } = replica;
  const now = clock.now();
  // The session ends anyway, and its proof is not known any more.
  if (isTombstone(state)) return 'granted';
  if (replica.isExpired(now) || eras.hasEnded(state)) return 'expired';
  return evidence ? checkEvidence(state, evidence, now) : 'granted';
}
