import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { isEviction, type Tombstone } from '../copy/tombstone.js';
import { tombstoneFromWire, tombstoneToWire } from '../copy/wire-state.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { EndMessage } from './replication-message.js';

/**
 * [M4] The session has ended for good, as far as this member knows: nothing follows, and no copy stands against it,
 * whatever its epoch and its generation.
 *
 * @param by the member that ended it, or told of it
 */
export function endSession(context: ReplicationContext, key: SessionKey, tombstone: Tombstone, by: string): void {
  const { table, news } = context;
  if (table.endOf(key)) return;
  const replica = table.get(key);
  if (replica) fenceReplica(context, replica, by);
  table.end(key, tombstone);
  if (!isEviction(tombstone)) news.add(key);
}

/**
 * Tells all members that a session has ended for good. One that does not answer is told again with the news that it has
 * missed, also if it answers pings all the time: a single message may be lost. Of a session that made room it is
 * not: strangers could fill the news in this way. No branch of it is elsewhere, and a copy that only knows of its epoch
 * goes when its primary is asked about it.
 *
 * @returns when the first in the order of backups has answered, or has not; the others are told in the background
 */
export async function announceEnd(context: ReplicationContext, key: SessionKey): Promise<void> {
  const { members, calls, clock, table, news } = context;
  const tombstone = table.endOf(key);
  if (!tombstone) return;
  const message = { type: 'end', ends: [[key, tombstoneToWire(tombstone)]], at: clock.now() } as const;
  const [first] = members.inBackupOrder(key, members.others).map(async (peer) => {
    const wasBehind = peer.hasMissedNews;
    await calls.ask(peer, message).catch(() => {
      if (isEviction(tombstone)) return;
      // A ping that was answered in the meantime has shown this end as known.
      if (!wasBehind) news.add(key);
      peer.hasMissedNews = true;
    });
  });
  await first;
}

/** Other members know of these ends. */
export function handleEnd(context: ReplicationContext, sender: string, { ends, at }: EndMessage): void {
  const aheadMs = context.clock.now() - at;
  for (const [key, tombstone] of ends) endSession(context, key, tombstoneFromWire(tombstone, aheadMs), sender);
}

/**
 * [D2] Refuses the creation of a session that nobody has: here, and at the member that would be its backup, because a
 * late creation asks there.
 */
export async function refuseCreation(context: ReplicationContext, key: SessionKey): Promise<void> {
  const { members, calls, clock, refusedCreations } = context;
  refusedCreations.add(key, clock.now());
  const [first] = members
    .inBackupOrder(key, members.others)
    .map((peer) => calls.ask(peer, { type: 'refuse', key }).catch(() => undefined));
  await first;
}
