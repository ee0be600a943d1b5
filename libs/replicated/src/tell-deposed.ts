import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';

/** Says once that a session of this member has another primary. */
export function tellDeposed({ events }: ReplicationContext, replica: Replica, by: string): void {
  if (!replica.isOwn || replica.isDeposed) return;
  replica.isDeposed = true;
  events.deposed(replica.key, by);
}
