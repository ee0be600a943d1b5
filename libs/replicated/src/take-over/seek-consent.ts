import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { PromisedEpoch } from '../copy/epoch.js';
import { handleGrant } from '../protocol/handle-grant.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { GrantAnswer } from '../protocol/replication-message.js';
import type { ClaimRound, EpochSearch } from './claim-round.js';

interface Consent {
  readonly isGiven: boolean;

  /** The promises that the members had given before, above the epoch that the new one follows. */
  readonly before: readonly PromisedEpoch[];
}

/**
 * With quorum. A majority consents to an epoch of one member only, and tells of its earlier promises. Each of those may
 * have become an epoch of which this member sees nothing. So their members have to be heard, after it was known that
 * they have to, before this epoch may begin.
 *
 * @returns false when it has to be tried again, with what was learned
 * @throws ReplicationFailure when there is no majority, or a member that has to be heard is silent
 */
export async function seekConsent(
  context: ReplicationContext,
  round: ClaimRound,
  { counter, of }: { readonly counter: number; readonly of: number },
  search: EpochSearch,
): Promise<boolean> {
  const consent = await requestConsent(context, round.key, counter, of);
  for (const promise of consent.before) search.floor = Math.max(search.floor, promise.counter);
  const others = consent.before.filter(({ node, process }) => node !== context.self || process !== context.process);
  if (!consent.isGiven) {
    if (!consent.before.some((promise) => promise.counter >= counter)) {
      throw new ReplicationFailure('less than half of the members consent to a new owner, and quorum is on');
    }
    search.mustAsk = [...search.mustAsk, ...others];
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
  search.mustAsk = [...search.mustAsk, unheard];
  return false;
}

/** Asks all members for the counter. More than half of all, this one included, have to say yes. */
async function requestConsent(
  context: ReplicationContext,
  key: SessionKey,
  counter: number,
  of: number,
): Promise<Consent> {
  const { members, calls, self, process } = context;
  const message = { type: 'grant', key, counter, process, of } as const;
  const own = handleGrant(context, self, message);
  const answers = await Promise.all(
    members.others.map((peer) => calls.ask(peer, message).catch((): GrantAnswer => ({ type: 'no', before: [] }))),
  );
  const yes = [own, ...answers].filter(({ type }) => type === 'yes').length;
  return { isGiven: yes >= members.majority, before: [own, ...answers].flatMap(({ before }) => before) };
}

/**
 * Whether the member with this promise will not begin its epoch any more: it has told of its copies while it knew that
 * the promise was known, or its process has ended.
 */
function hasBeenHeard(
  { members }: ReplicationContext,
  round: ClaimRound,
  { node, counter, process }: PromisedEpoch,
): boolean {
  if (members.isGone(node)) return true;
  const { unanswered } = round;
  const answered = round.processOf(node);
  if (answered !== undefined && (process === undefined || process === answered)) return round.promisedFloor >= counter;
  if (answered === undefined && unanswered.get(node) !== 'refused') return false;
  // The process that asked has ended. A backup that it had given a copy before is among those who answered.
  return [...unanswered.values()].every((why) => why === 'refused');
}
