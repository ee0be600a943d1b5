import { fenceReplica } from './fence-replica.js';
import { isEnded } from './is-ended.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { BuryMessage } from './replication-message.js';
import { sameEpoch } from './same-epoch.js';
import { stateFromWire } from './state-from-wire.js';

/** A session has ended: copies of its last epoch and of older ones become tombstones, and who has none keeps one against late creations. */
export function handleBury(context: ReplicationContext, sender: string, message: BuryMessage): void {
  const { table, clock } = context;
  const { key, epoch } = message;
  const replica = table.get(key);
  if (replica && isEnded(replica.state)) return;
  if (replica && replica.counter >= epoch.counter && !sameEpoch(replica, epoch)) return;
  const state = stateFromWire(message.state, clock.now() - message.at);
  if (!isEnded(state)) return;
  if (replica) fenceReplica(context, replica, sender);
  const seq = (replica?.seq ?? 0) + 1;
  table.install(new Replica(key, epoch.counter, epoch.node, epoch.backup, seq, state, false, -1, ''));
}
