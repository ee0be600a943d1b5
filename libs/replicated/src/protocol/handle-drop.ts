import { follows, isOwner, isVoid, sameEpoch } from '../copy/epoch.js';
import type { Replica } from '../copy/replica.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { CheckAnswer, CheckMessage, DropMessage, Move, NewsMessage } from './replication-message.js';

/**
 * The epoch has begun from the copies that were claimed, and this member is no owner of it: its copy is not needed any
 * more.
 */
export function handleDrop(context: ReplicationContext, sender: string, move: DropMessage): void {
  const { table, memory, events } = context;
  const { key, counter } = move;
  // Claims that were already on their way are answered with the new owners.
  memory.noteMove(key, move);
  memory.raiseFloor(key, counter);
  const replica = table.get(key);
  if (!replica || !isSuperfluous(context, replica, move)) return;
  if (replica.isOwn && areBranches(replica, move)) events.yielded(key, move.node);
  fenceReplica(context, replica, sender);
  table.remove(replica);
}

/**
 * The epochs have begun while this member was cut off. Those from which they go on are over here, too. Of another
 * branch nobody knows yet whether it counts more: nothing is noted of it.
 *
 * @returns the epochs that contradict what this member serves: while the network was split, both went on
 */
export function handleNews(context: ReplicationContext, sender: string, { moves }: NewsMessage): readonly Move[] {
  const { table, self } = context;
  return moves.filter((move) => {
    const replica = table.get(move.key);
    if (!replica || isOwner(move, self)) return false;
    if (follows(move, replica)) handleDrop(context, sender, { type: 'drop', ...move });
    return replica.isOwn && !replica.fenced && areBranches(replica, move);
  });
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
