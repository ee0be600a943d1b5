import { NO_BACKUP } from './epoch.js';
import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';

/**
 * Ends the epoch of a copy because of another member. [I2] From here on this copy takes no change of its epoch. A primary elsewhere that counts on this
 * copy is told with the next pong, so that it does not go on answering by its lease.
 *
 * @param by whoever goes on with the session
 */
export function fenceReplica({ table, members, self, events }: ReplicationContext, replica: Replica, by: string): void {
  const wasFenced = replica.fenced;
  table.fence(replica);
  if (replica.isOwn && !wasFenced && by !== self) events.deposed(replica.key, by);
  const follows = replica.backup === self && replica.node !== NO_BACKUP;
  if (follows && replica.node !== by) members.get(replica.node)?.over.set(replica.key, replica.counter);
}
