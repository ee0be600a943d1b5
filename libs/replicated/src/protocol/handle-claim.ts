import { isEnded } from '../copy/tombstone.js';
import { copyToWire } from '../copy/wire-state.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { ClaimAnswer, ClaimMessage } from './replication-message.js';

/** Stands for infinity, which JSON cannot say. */
const LONG_AGO_MS = 1e12;

/**
 * The sender wants to begin an epoch with the newest state there is. The copy that is told here is fenced: it stays as
 * it is until the sender, or a quicker member, puts the epoch that follows.
 */
export function handleClaim(context: ReplicationContext, sender: string, message: ClaimMessage): ClaimAnswer {
  const { table, memory, members, timers, clock, process } = context;
  const { key } = message;
  const replica = table.get(key);
  const floor = memory.floorOf(key);
  // A promise that the sender relies on: the epochs that it has heard of, and found no copy of here, do not begin here
  // later.
  if (message.floor > (replica?.counter ?? 0)) memory.raiseFloor(key, message.floor);
  if (!replica) {
    const moved = memory.movedTo(key);
    const upMs = timers.now() - context.startedAt;
    const attempted = memory.attemptedAt(key);
    return { type: 'none', process, upMs, ...(moved && { moved }), attempted, floor };
  }
  const fenced = replica.fenced;
  if (!isEnded(replica.state)) fenceReplica(context, replica, sender);
  const primaryProcess = members.processOfPrimary(replica);
  return {
    type: 'copy',
    process,
    copy: copyToWire(replica, clock.now()),
    fenced,
    ...(primaryProcess !== undefined && { primaryProcess }),
    ageMs: Math.min(timers.now() - replica.confirmedAt, LONG_AGO_MS),
    heardAgoMs: Math.min(timers.now() - members.heardAt(replica.node), LONG_AGO_MS),
    floor,
  };
}
