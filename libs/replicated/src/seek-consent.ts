import type { ClaimRound } from './claim-round.js';
import type { EpochSearch } from './epoch-search.js';
import type { PromisedEpoch } from './promised-epoch.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';
import { requestConsent } from './request-consent.js';

/**
 * With quorum. More than half of the members consent to one member's epoch only, and say what they have granted to others before. Each of those may have begun where
 * this member sees nothing of it; so each has to be heard, after it was known that it has to, before the epoch may begin.
 *
 * @returns false when it has to be tried again, with what was learned
 * @throws ReplicationFailure when there is no majority, or somebody who has to be heard is silent
 */
export async function seekConsent(
  context: ReplicationContext,
  round: ClaimRound,
  { counter, of }: { readonly counter: number; readonly of: number },
  search: EpochSearch,
): Promise<boolean> {
  const consent = await requestConsent(context, round.key, counter, of);
  for (const promise of consent.before) search.floor = Math.max(search.floor, promise.counter);
  const others = consent.before.filter(({ node, life }) => node !== context.self || life !== context.process);
  if (!consent.isGiven) {
    if (!consent.before.some((promise) => promise.counter >= counter)) {
      throw new ReplicationFailure('less than half of the members consent to a new owner, and quorum is on');
    }
    search.mustHear = [...search.mustHear, ...others];
    return false;
  }
  const unheard = others.find((promise) => !hasBeenHeard(context, round, promise));
  if (!unheard) return true;
  const wasKnown = round.promisedFloor >= unheard.counter;
  if (wasKnown && !((await round.askSuspected()) && hasBeenHeard(context, round, unheard))) {
    throw new ReplicationFailure(
      `what member '${unheard.node}' was granted may have begun, and who would know does not answer`,
    );
  }
  search.mustHear = [...search.mustHear, unheard];
  return false;
}

/** It has said what it has while it knew that its promise was known, so it will not begin that epoch any more; or its process has ended. */
function hasBeenHeard(
  { members }: ReplicationContext,
  round: ClaimRound,
  { node, counter, life }: PromisedEpoch,
): boolean {
  if (members.isGone(node)) return true;
  const { unanswered } = round;
  const answered = round.lifeOf(node);
  if (answered !== undefined && (life === undefined || life === answered)) return round.promisedFloor >= counter;
  if (answered === undefined && unanswered.get(node) !== 'refused') return false;
  // The process that asked has ended. The backup that it may have given a copy before is one of those who answered.
  return [...unanswered.values()].every((why) => why === 'refused');
}
