import { fenceReplica } from './fence-replica.js';
import { isOwner } from './is-owner.js';
import { isEnded } from './is-ended.js';
import type { ReplicationContext } from './replication-context.js';
import type { DropMessage } from './replication-message.js';
import { sameEpoch } from './same-epoch.js';

/** The epoch has begun, and this member is none of its owners: what it has of the session is not needed any more. */
export function handleDrop(context: ReplicationContext, sender: string, message: DropMessage): void {
  const { table, memory, self, queue } = context;
  const replica = table.get(message.key);
  // Whoever asks here with a claim that was on its way is sent on.
  memory.noteMove(message.key, message);
  memory.raiseFloor(message.key, message.counter);
  if (!replica || isEnded(replica.state)) return;
  // An operation of this member may be going on from it.
  const isKnownOnly = sameEpoch(replica, message) && !isOwner(replica, self) && !queue.isBusy(message.key);
  if (replica.counter >= message.counter && !isKnownOnly) return;
  fenceReplica(context, replica, sender);
  table.remove(replica);
}
