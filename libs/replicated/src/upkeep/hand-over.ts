import { pause } from '../options/replication-timers.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { Repair } from './repair.js';

const LONGEST_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** Tells the others that this member shuts down, and waits while they take over its sessions. */
export async function handOver(context: ReplicationContext, repair: Repair): Promise<void> {
  const { members, calls, timers, clock, table, queue, process, eras } = context;
  context.isLeaving = true;
  const end = timers.now() + LONGEST_MS;
  const isDone = (): boolean => {
    const now = timers.now();
    if (now >= end) return true;
    return queue.size === 0 && !(members.others.some((peer) => peer.isUsable(now)) && hasSessions());
  };
  const hasSessions = (): boolean => {
    const now = clock.now();
    // A copy that was claimed is waited for as well: the member that takes over asks all holders once more.
    for (const replica of table.replicas()) {
      if (replica.isOwn && !replica.isExpired(now) && !eras.hasEnded(replica.state)) return true;
    }
    return false;
  };
  // A session that only this member has needs a second owner before another member can take it over.
  repair.request();
  while (table.alone > 0 && !isDone()) await pause(timers, LOOK_EVERY_MS);
  repair.stop();
  const message = { type: 'leaving', process } as const;
  await Promise.all(members.others.map((peer) => calls.ask(peer, message).catch(() => undefined)));
  while (!isDone()) await pause(timers, LOOK_EVERY_MS);
}
