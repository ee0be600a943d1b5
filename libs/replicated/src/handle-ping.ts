import type { Peer } from './peer.js';
import type { ReplicationContext } from './replication-context.js';
import type { KeyAtCounter, PingMessage, PongAnswer } from './replication-message.js';

/** Keys in one pong: many thousands change hands when a member that was frozen comes back. */
const MOST_KEYS = 1_000;

/**
 * A heartbeat. The answer tells a primary which of its sessions this member does not follow any more; what is not on the list is still as the primary
 * believes, and that is its lease.
 */
export function handlePing(context: ReplicationContext, peer: Peer, message: PingMessage): PongAnswer {
  peer.noteMessage(message.life, context.timers.now());
  for (const [key, counter] of message.done) if ((peer.over.get(key) ?? Infinity) <= counter) peer.over.delete(key);
  const over: KeyAtCounter[] = [];
  for (const entry of peer.over) {
    if (over.length === MOST_KEYS) break;
    over.push(entry);
  }
  return { type: 'pong', life: peer.ownBond, over, more: peer.over.size > over.length };
}
