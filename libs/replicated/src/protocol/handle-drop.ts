import { follows, isOwner, isVoid, sameEpoch } from '../copy/epoch.js';
import type { Replica } from '../copy/replica.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { CheckAnswer, CheckMessage, DropMessage, Move } from './replication-message.js';

/**
 * The epochs have begun, and this member is no owner of them: its older copies are not needed any more.
 *
 * @returns the epochs that contradict what this member serves: while the network was split, both went on
 */
export function handleDrop(context: ReplicationContext, sender: string, { moves }: DropMessage): readonly Move[] {
  return moves.filter((move) => isContradicted(context, sender, move));
}

function isContradicted(context: ReplicationContext, sender: string, move: Move): boolean {
  const { table, memory, self, events } = context;
  const { key, counter } = move;
  const replica = table.get(key);
  if (table.endOf(key)) return false;
  if (replica && replica.isOwn && !replica.fenced && !isOwner(move, self) && areBranches(replica, move)) return true;
  // Claims that were already on their way are answered with the new owners.
  memory.noteMove(key, move);
  memory.raiseFloor(key, counter);
  if (!replica || !isSuperfluous(context, replica, move)) return false;
  if (replica.isOwn && areBranches(replica, move)) events.yielded(key, move.node);
  fenceReplica(context, replica, sender);
  table.remove(replica);
  return false;
}

/** Neither of the two epochs goes on from the other. */
function areBranches(replica: Replica, move: Move): boolean {
  return !sameEpoch(replica, move) && !follows(replica, move) && !follows(move, replica);
}

function isSuperfluous({ self, queue }: ReplicationContext, replica: Replica, move: Move): boolean {
  if (sameEpoch(replica, move)) {
    // While an operation of this member runs, it may be going on from the copy.
    return !isOwner(replica, self) && !queue.isBusy(move.key);
  }
  // [M5] A copy whose id was renewed more often is kept.
  return replica.counter < move.counter && (replica.generation <= move.generation || isVoid(replica, move));
}

/** The sender has copies of epochs of this member, and asks whether they still count. */
export function handleCheck(context: ReplicationContext, sender: string, message: CheckMessage): CheckAnswer {
  const { members, self, table, memory, queue } = context;
  const verdicts = message.replicas.map(([key, counter]) => {
    if (table.endOf(key)) return 'drop';
    const own = table.get(key);
    if (!own) return (memory.movedTo(key)?.counter ?? 0) > counter ? 'drop' : 'unknown';
    // A newer epoch here: the sender's copy counts only if the sender is an owner of that one, too.
    if (own.counter > counter) return isOwner(own, sender) ? 'fine' : 'drop';
    // An epoch that this member wanted to begin and did not. The sender's copy is not needed if another one has begun.
    if (own.counter < counter) return own.isOwn && !own.fenced && !queue.isBusy(key) ? 'drop' : 'fine';
    return sameEpoch(own, { counter, node: self }) && !isOwner(own, sender) ? 'drop' : 'fine';
  });
  return { type: 'checked', incarnation: members.get(sender)?.ownIncarnation ?? '', verdicts };
}
