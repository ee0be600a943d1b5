import type { Peer } from '../members/peer.js';
import type { ReplicationContext } from './replication-context.js';
import type { EndErasMessage, ErasAnswer, KeyAtCounter, PingMessage, PongAnswer } from './replication-message.js';

/** Keys in one pong. When a frozen member comes back, many thousands of sessions have changed their owners. */
const MOST_KEYS = 1_000;

/**
 * A heartbeat. The answer names the sender's sessions that this member does not follow any more. All others are as the
 * sender believes, and that is its lease.
 */
export function handlePing(context: ReplicationContext, peer: Peer, message: PingMessage): PongAnswer {
  peer.noteMessage(message.process, context.timers.now());
  context.eras.raise(message.over);
  for (const [key, counter] of message.settled) {
    if ((peer.unfollowed.get(key) ?? Infinity) <= counter) peer.unfollowed.delete(key);
  }
  const unfollowed: KeyAtCounter[] = [];
  for (const entry of peer.unfollowed) {
    if (unfollowed.length === MOST_KEYS) break;
    unfollowed.push(entry);
  }
  const more = peer.unfollowed.size > unfollowed.length;
  return { type: 'pong', incarnation: peer.ownIncarnation, unfollowed, more, over: context.eras.over };
}

/** [M7] All sessions were ended: none of this member answers from now on. */
export function handleEndEras({ eras }: ReplicationContext, { over }: EndErasMessage): ErasAnswer {
  const before = eras.over;
  eras.raise(over);
  return { type: 'eras', before };
}
