import type { Replica } from '../copy/replica.js';
import type { ReplicationContext } from './replication-context.js';

/**
 * [M2] Ends the epoch of a copy because another member goes on with the session: from here on this copy takes no change
 * of its epoch. A primary elsewhere that counts on this copy is told with the next pong, so that it does not go on
 * answering by its lease.
 *
 * @param by the member that goes on
 */
export function fenceReplica(context: ReplicationContext, replica: Replica, by: string): void {
  const { table, members, self } = context;
  table.fence(replica);
  if (by !== self) reportDeposed(context, replica, by);
  const { key, counter, node, backup } = replica;
  if (backup === self && node !== by) members.get(node)?.unfollowed.set(key, counter);
}

/** Reports once that a session of this member has another primary. */
export function reportDeposed({ events }: ReplicationContext, replica: Replica, by: string): void {
  if (!replica.isOwn || replica.isDeposed) return;
  replica.isDeposed = true;
  events.deposed(replica.key, by);
}
