import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { NO_BACKUP, sameEpoch } from '../copy/epoch.js';
import { FIRST_SEQ, Replica } from '../copy/replica.js';
import { isEnded, isTombstone } from '../copy/tombstone.js';
import { stateFromWire, stateToWire } from '../copy/wire-state.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { EndMessage } from './replication-message.js';

/**
 * Tells all members that the session with this key has ended, so that no old copy of it is taken for a session and no
 * creation that arrives late succeeds. A session that this member knows nothing of is remembered as ended here and at
 * the member that would be its backup, because a late creation asks there.
 *
 * Called after the session's end has been replicated.
 */
export async function announceEndOf(context: ReplicationContext, key: SessionKey): Promise<void> {
  const { table, clock, self, memory } = context;
  const known = table.get(key);
  if (known) {
    if (isEnded(known.state)) void announceEnd(context, known);
    return;
  }
  const unknown = new Replica({
    key,
    counter: Math.max(1, memory.floorOf(key)),
    node: self,
    backup: NO_BACKUP,
    seq: FIRST_SEQ,
    state: { endedAt: clock.now(), renewed: false, callId: '', isFinal: true },
    isOwn: false,
    partnerGeneration: -1,
    lineage: '',
  });
  table.install(unknown);
  await announceEnd(context, unknown);
}

/**
 * Sends the tombstone of a session to all members.
 *
 * @returns when the first in the order of backups has answered, or has not; the others are told in the background
 */
export async function announceEnd(context: ReplicationContext, replica: Replica): Promise<void> {
  const { members, calls, clock } = context;
  const { key, counter, node, backup, state } = replica;
  if (!isTombstone(state)) return;
  const epoch = { counter, node, backup };
  const message = { type: 'end', key, epoch, state: stateToWire(state), at: clock.now() } as const;
  const [first] = members
    .inBackupOrder(key, members.others)
    .map((peer) => calls.ask(peer, message).catch(() => undefined));
  await first;
}

/**
 * A session has ended. Copies of its last epoch and of older ones become tombstones; a member without a copy keeps a
 * tombstone against creations that arrive late.
 */
export function handleEnd(context: ReplicationContext, sender: string, message: EndMessage): void {
  const { table, clock } = context;
  const { key, epoch } = message;
  const replica = table.get(key);
  if (replica && isEnded(replica.state)) return;
  if (replica && replica.counter >= epoch.counter && !sameEpoch(replica, epoch)) return;
  const state = stateFromWire(message.state, clock.now() - message.at);
  if (!isEnded(state)) return;
  if (replica) fenceReplica(context, replica, sender);
  const { counter, node, backup } = epoch;
  const seq = (replica?.seq ?? 0) + 1;
  table.install(
    new Replica({ key, counter, node, backup, seq, state, isOwn: false, partnerGeneration: -1, lineage: '' }),
  );
}
