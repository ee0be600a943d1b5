import { fenceReplica } from './fence-replica.js';
import { isEnded } from './is-ended.js';
import type { ReplicationContext } from './replication-context.js';
import type { ClaimAnswer, ClaimMessage } from './replication-message.js';
import { tellCopy } from './tell-copy.js';

/** JSON knows no infinity. */
const LONG_AGO_MS = 1e12;

/**
 * The sender wants to begin an epoch with the newest state there is. The copy told here is fenced: it stays what it was told to be until the
 * claimant, or somebody quicker, puts the epoch that follows.
 */
export function handleClaim(context: ReplicationContext, sender: string, message: ClaimMessage): ClaimAnswer {
  const { table, memory, members, timers } = context;
  const { key } = message;
  const replica = table.get(key);
  const floor = memory.floorOf(key);
  // A promise that the claimant relies on: epochs it has heard of but found no copy of here do not begin here later.
  if (message.floor > (replica?.counter ?? 0)) memory.raiseFloor(key, message.floor);
  if (!replica) {
    const moved = memory.movedTo(key);
    const upMs = timers.now() - context.startedAt;
    const attempted = memory.attemptedAt(key);
    return { type: 'none', life: context.process, upMs, ...(moved && { moved }), attempted, floor };
  }
  const fenced = replica.fenced;
  if (!isEnded(replica.state)) fenceReplica(context, replica, sender);
  const primary = replica.isOwn ? undefined : members.get(replica.node);
  const primaryLife = replica.isOwn ? context.process : processOf(primary, replica.bond);
  return {
    type: 'copy',
    life: context.process,
    copy: tellCopy(context, replica),
    fenced,
    ...(primaryLife !== undefined && { primaryLife }),
    ageMs: Math.min(timers.now() - replica.confirmedAt, LONG_AGO_MS),
    heardAgoMs: Math.min(timers.now() - members.heardAt(replica.node), LONG_AGO_MS),
    floor,
  };
}

/** Of the primary that put the copy, if it is the one that is still known. */
function processOf(
  primary: { readonly process: string | undefined; readonly processes: number } | undefined,
  processes: number,
): string | undefined {
  return primary?.processes === processes ? primary.process : undefined;
}
