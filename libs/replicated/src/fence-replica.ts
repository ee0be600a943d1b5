import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { tellDeposed } from './tell-deposed.js';

/**
 * Ends the epoch of a copy because of another member. [I2] From here on this copy takes no change of its epoch. A primary elsewhere that counts on this
 * copy is told with the next pong, so that it does not go on answering by its lease.
 *
 * @param by whoever goes on with the session
 */
export function fenceReplica(context: ReplicationContext, replica: Replica, by: string): void {
  const { table, members, self } = context;
  table.fence(replica);
  if (by !== self) tellDeposed(context, replica, by);
  if (replica.backup === self && replica.node !== by) members.get(replica.node)?.over.set(replica.key, replica.counter);
}
