import type { ReplicationContext } from './replication-context.js';
import type { GrantAnswer, GrantMessage } from './replication-message.js';

/**
 * The consent of this member to an epoch. `of` matters: whatever was granted up to there has become the epoch that the sender goes on from, or was heard of
 * by whoever made that epoch.
 *
 * @param sender may be this member itself, which has one voice like all others
 */
export function handleGrant(context: ReplicationContext, sender: string, message: GrantMessage): GrantAnswer {
  const { promises, table, recall } = context;
  const { key, counter, life, of } = message;
  // Not asked for: a group where some members use quorum and some do not has none.
  if (!promises || !recall?.isDone) return { type: 'no', before: [] };
  const before = promises.of(key).filter((promise) => promise.counter > of);
  const replica = table.get(key);
  const isTaken = before.some((promise) => promise.counter >= counter) || (replica?.counter ?? 0) >= counter;
  if (isTaken) {
    const { counter: own = 0, node = sender } = replica ?? {};
    return { type: 'no', before: own > of ? [...before, { counter: own, node }] : before };
  }
  promises.grant(key, { counter, node: sender, life }, of);
  return { type: 'yes', before };
}
