import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { adoptCopy } from './adopt-copy.js';
import { chooseCopy } from './choose-copy.js';
import { ClaimRound } from './claim-round.js';
import type { Owners } from './epoch.js';
import { giveUpSession } from './give-up-session.js';
import { isEnded } from './is-ended.js';
import { isTombstone } from './is-tombstone.js';
import type { EpochSearch } from './epoch-search.js';
import type { NoSession } from './no-session.js';
import { pause } from './pause.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';
import { stillCounts } from './still-counts.js';
import { TakeOver } from './take-over.js';

/** Of an operation: however quick the rounds are, and however slow. */
const LEAST_ROUNDS = 5;

/** Who was slower than another waits a random time up to this before it tries again, growing with each attempt. */
const BACK_OFF_MS = { first: 10, most: 60 } as const;

export interface NewEpochRequest {
  readonly key: SessionKey;

  /** Epochs that are known to have begun, from the client's cookie for example. */
  readonly witnesses: readonly Owners[];

  /** Members that are not to be asked and not to become the backup. */
  readonly avoid: ReadonlySet<string>;

  /** Without a witness, members that do not answer count as having nothing. */
  readonly isLenient: boolean;
}

/**
 * Makes this member the primary of a session, from the newest state that was acknowledged anywhere: claims all copies, goes on from the newest, and begins an
 * epoch of its own. The one way in which a session changes its owners, whatever the reason.
 *
 * Called in the session's queue.
 *
 * @throws ReplicationFailure when that cannot be done now
 */
export async function newEpoch(context: ReplicationContext, request: NewEpochRequest): Promise<Replica | NoSession> {
  const { timers, random } = { timers: context.timers, random: context.options.random };
  const deadline = timers.now() + 2 * (context.options.callTimeoutMs + context.options.leaseMs);
  const search: EpochSearch = { witnesses: request.witnesses, floor: 0, mustHear: [], avoid: new Set(request.avoid) };
  for (let round = 1, backOff: number = BACK_OFF_MS.first; ; round++) {
    const found = await attempt(context, request, search);
    if (found !== 'again') return found;
    if (round >= LEAST_ROUNDS && timers.now() > deadline) throw new ReplicationFailure('its owners change too often');
    await pause(timers, random() * backOff);
    backOff = Math.min(2 * backOff, BACK_OFF_MS.most);
  }
}

async function attempt(
  context: ReplicationContext,
  { key, isLenient }: NewEpochRequest,
  search: EpochSearch,
): Promise<Replica | NoSession | 'again'> {
  const { table, memory, clock } = context;
  const before = table.get(key);
  if (before && isEnded(before.state)) return { tombstone: before.state };
  if (search.witnesses.some((witness) => memory.isLost(key, witness))) return {};

  const round = new ClaimRound(context, key, search.witnesses, search.floor, search.avoid);
  await round.run(search.mustHear);
  let choice = chooseCopy(round, search.witnesses, isLenient);
  if (choice.is === 'unreachable' && (await round.askSuspected()))
    choice = chooseCopy(round, search.witnesses, isLenient);
  search.floor = Math.max(search.floor, round.floor);
  if (table.get(key) !== round.local) return 'again';

  switch (choice.is) {
    case 'unreachable':
      throw new ReplicationFailure(`members that may have it do not answer: ${choice.members.join(', ')}`);
    case 'newer':
      if (choice.begun) search.witnesses = [...search.witnesses, choice.epoch];
      search.floor = Math.max(search.floor, choice.epoch.counter);
      search.mustHear = [...search.mustHear, choice.epoch];
      return 'again';
    case 'nothing':
      return {};
    case 'lost':
      return giveUpSession(context, round, choice.witness);
    case 'ended':
      adoptCopy(context, choice.copy);
      return isTombstone(choice.copy.state) ? { tombstone: choice.copy.state } : {};
    case 'copy': {
      const { copy } = choice;
      if (!isTombstone(copy.state) && !stillCounts(copy.state, clock.now())) return {};
      return new TakeOver(context, round, copy, search).run();
    }
  }
}
