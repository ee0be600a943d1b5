import { copyToWire } from '../copy/wire-state.js';
import { describeAbsence, describeCopy } from './describe-copy.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { ClaimAnswer, ClaimMessage } from './replication-message.js';

/**
 * The sender wants to begin an epoch with the newest state there is. The copy that is told here is fenced: it stays as
 * it is until the sender, or a quicker member, puts the epoch that follows.
 */
export function handleClaim(context: ReplicationContext, sender: string, message: ClaimMessage): ClaimAnswer {
  const { table, memory, clock } = context;
  const { key } = message;
  const replica = table.get(key);
  const answer = replica
    ? { type: 'copy' as const, ...describeCopy(context, replica), copy: copyToWire(replica, clock.now()) }
    : describeAbsence(context, key);
  // A promise that the sender relies on: the epochs that it has heard of, and found no copy of here, do not begin here
  // later.
  if (message.floor > (replica?.counter ?? 0)) memory.raiseFloor(key, message.floor);
  if (replica) fenceReplica(context, replica, sender);
  return answer;
}
