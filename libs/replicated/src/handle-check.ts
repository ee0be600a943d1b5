import { isOwner } from './is-owner.js';
import { isEnded } from './is-ended.js';
import type { ReplicationContext } from './replication-context.js';
import type { CheckAnswer, CheckMessage } from './replication-message.js';
import { sameEpoch } from './same-epoch.js';

/** The sender has copies of epochs of this member, and wants to know whether they still count. */
export function handleCheck(context: ReplicationContext, sender: string, message: CheckMessage): CheckAnswer {
  const { members, self, table, memory, queue } = context;
  const verdicts = message.replicas.map(([key, counter]) => {
    const own = table.get(key);
    if (!own) return (memory.movedTo(key)?.counter ?? 0) > counter ? 'drop' : 'unknown';
    if (isEnded(own.state)) return 'drop';
    // A newer epoch that the sender has no part in; or it was told of this one when it began, and that is all.
    if (own.counter > counter) return isOwner(own, sender) ? 'fine' : 'drop';
    // An epoch that this member wanted to begin and has not: it has one, and it is another.
    if (own.counter < counter) return own.isOwn && !own.fenced && !queue.isBusy(key) ? 'drop' : 'fine';
    return sameEpoch(own, { counter, node: self }) && !isOwner(own, sender) ? 'drop' : 'fine';
  });
  return { type: 'checked', life: members.get(sender)?.ownBond ?? '', verdicts };
}
