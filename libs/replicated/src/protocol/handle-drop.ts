import { isOwner, sameEpoch } from '../copy/epoch.js';
import { isEnded } from '../copy/tombstone.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { CheckAnswer, CheckMessage, DropMessage } from './replication-message.js';

/** The epoch has begun, and this member is no owner of it: its copy of the session is not needed any more. */
export function handleDrop(context: ReplicationContext, sender: string, message: DropMessage): void {
  const { table, memory, self, queue } = context;
  const { key, counter } = message;
  const replica = table.get(key);
  // Claims that were already on their way are answered with the new owners.
  memory.noteMove(key, message);
  memory.raiseFloor(key, counter);
  if (!replica || isEnded(replica.state)) return;
  // While an operation of this member runs, it may be going on from the copy.
  const isKnownOnly = sameEpoch(replica, message) && !isOwner(replica, self) && !queue.isBusy(key);
  if (replica.counter >= counter && !isKnownOnly) return;
  fenceReplica(context, replica, sender);
  table.remove(replica);
}

/** The sender has copies of epochs of this member, and asks whether they still count. */
export function handleCheck(context: ReplicationContext, sender: string, message: CheckMessage): CheckAnswer {
  const { members, self, table, memory, queue } = context;
  const verdicts = message.replicas.map(([key, counter]) => {
    const own = table.get(key);
    if (!own) return (memory.movedTo(key)?.counter ?? 0) > counter ? 'drop' : 'unknown';
    if (isEnded(own.state)) return 'drop';
    // A newer epoch here: the sender's copy counts only if the sender is an owner of that one, too.
    if (own.counter > counter) return isOwner(own, sender) ? 'fine' : 'drop';
    // An epoch that this member wanted to begin and did not. The sender's copy is not needed if another one has begun.
    if (own.counter < counter) return own.isOwn && !own.fenced && !queue.isBusy(key) ? 'drop' : 'fine';
    return sameEpoch(own, { counter, node: self }) && !isOwner(own, sender) ? 'drop' : 'fine';
  });
  return { type: 'checked', incarnation: members.get(sender)?.ownIncarnation ?? '', verdicts };
}
