import type { ReplicationContext } from './replication-context.js';
import type { GrantAnswer, GrantMessage } from './replication-message.js';

/**
 * The consent of this member to an epoch. Promises up to `of` are settled: each has become the epoch that the sender
 * goes on from, or the member that made that epoch has heard of it.
 *
 * @param sender may be this member itself, which has one voice as every other
 */
export function handleGrant(context: ReplicationContext, sender: string, message: GrantMessage): GrantAnswer {
  const { promises, table, recovery } = context;
  const { key, counter, process, of } = message;
  // Without `quorum` this member promises nothing: a group in which only some members use it has none.
  if (!promises || !recovery?.isDone) return { type: 'no', before: [] };
  const before = promises.of(key).filter((promise) => promise.counter > of);
  const replica = table.get(key);
  const isTaken = before.some((promise) => promise.counter >= counter) || (replica?.counter ?? 0) >= counter;
  if (isTaken) {
    const { counter: own = 0, node = sender } = replica ?? {};
    return { type: 'no', before: own > of ? [...before, { counter: own, node }] : before };
  }
  promises.grant(key, { counter, node: sender, process }, of);
  return { type: 'yes', before };
}
