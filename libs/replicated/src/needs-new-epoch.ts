import type { Peer } from './peer.js';
import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { isTombstone } from './is-tombstone.js';

/**
 * Whether the session has one copy less than it should, and it is for this member to make another: the other owner is lost, leaves, or has started anew with an
 * empty heap. One that only knows of the epoch steps in when both owners are lost.
 */
export function needsNewEpoch(
  { members, self, timers, clock, options }: ReplicationContext,
  replica: Replica,
): boolean {
  if (isTombstone(replica.state) || replica.isExpired(clock.now())) return false;
  const now = timers.now();
  if (replica.isAlone && replica.isOwn) {
    return members.others.some((peer) => peer.isUsable(now));
  }
  const primary = members.get(replica.node);
  // One that has just started counts as lost until it has answered, and may have put copies here before that.
  const isStarting = primary?.isLeaving === false && primary.isHeard(now, options.lostAfterMs);
  const isPrimaryLost = (isLost(primary) && !isStarting) || primary?.processes !== replica.bond;
  if (replica.isOwn) {
    const backup = members.get(replica.backup);
    return isLost(backup) || backup?.bond !== replica.bond;
  }
  if (replica.backup === self) return isPrimaryLost;
  return isPrimaryLost && isLost(members.get(replica.backup));
}

function isLost(peer: Peer | undefined): boolean {
  return peer === undefined || peer.state !== 'up' || peer.isLeaving;
}
