import type { ClaimRound } from './claim-round.js';
import type { ClaimedCopy } from './claimed-copy.js';
import { pause } from './pause.js';
import type { ReplicationContext } from './replication-context.js';
import { sameEpoch } from './same-epoch.js';
import { SLOWER_CLOCK } from './slower-clock.js';

/**
 * When the primary of the last epoch does not answer it may be alive, and answer reads for as long as its lease from its backup lasts. That one has told when it
 * heard of the primary last, and from then on it gives no lease.
 */
export async function waitForLease(context: ReplicationContext, round: ClaimRound, copy: ClaimedCopy): Promise<void> {
  const { timers, options, self } = context;
  const { node } = copy;
  const hasAnswered = round.none.has(node) || round.copies.some(({ holder }) => holder === node);
  if (node === self || hasAnswered || round.unanswered.get(node) === 'refused') return;
  const heard = round.copies.filter((other) => sameEpoch(other, copy)).map(({ primaryHeardAt }) => primaryHeardAt);
  const leaseMs = options.leaseMs * SLOWER_CLOCK;
  const leftMs = Math.max(...heard) + leaseMs - timers.now();
  if (leftMs > 0) await pause(timers, Math.min(leftMs, leaseMs));
}
