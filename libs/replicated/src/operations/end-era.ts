import type { Peer } from '../members/peer.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';

/**
 * Ends all sessions that there are. That is in effect at once, here and at all members that can be reached; the others
 * follow when they are heard again.
 *
 * @returns the last era that is over
 * @throws ReplicationFailure when a member does not answer that may go on with sessions from before
 */
export async function endEra(context: ReplicationContext): Promise<number> {
  const { eras, clock } = context;
  const over = eras.end(clock.now());
  const known = await tell(context, over);
  // Another member had ended sessions meanwhile or with a clock that is ahead: those that began after that are of an
  // era that is not over yet.
  if (known < over) return over;
  eras.raise(known + 1);
  await tell(context, eras.over);
  return eras.over;
}

/** @returns the last era that had been over before, as far as others knew */
async function tell({ members, calls }: ReplicationContext, over: number): Promise<number> {
  const silent: string[] = [];
  const ask = async (peer: Peer): Promise<number> => {
    try {
      return (await calls.ask(peer, { type: 'endEras', over }, true)).before;
    } catch (error) {
      // A process that has ended has no sessions; the next one hears of it when it starts.
      const hasNone = (error as ReplicationCallError).reason === 'refused' || members.isGone(peer.name);
      if (!hasNone) silent.push(peer.name);
      return 0;
    }
  };
  const known = await Promise.all(members.others.map(ask));
  if (silent.length === 0) return Math.max(0, ...known);
  const who = silent.map((name) => `'${name}'`).join(', ');
  throw new ReplicationFailure(
    `all sessions have ended, but members that do not answer may go on with theirs until they are reached: ${who}`,
    true,
  );
}
