import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, type Epoch, NO_BACKUP, type Witness } from '../copy/epoch.js';
import { checkEvidence, type Evidence } from '../copy/evidence.js';
import { Replica } from '../copy/replica.js';
import { hasExpired } from '../copy/session-state.js';
import { isEviction, isTombstone, type NoSession } from '../copy/tombstone.js';
import { pause } from '../options/replication-timers.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { endSession } from '../protocol/handle-end.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import { type Choice, chooseCopy } from './choose-copy.js';
import { ClaimRound, type EpochSearch } from './claim-round.js';
import { TakeOver } from './take-over.js';
import type { ClaimedCopy } from './told-copy.js';

/** An operation tries at least this often, however long the rounds take. */
const LEAST_ROUNDS = 5;

/**
 * A member that was slower than another waits a random time up to this before it tries again; it grows with each
 * attempt.
 */
const BACK_OFF_MS = { first: 10, most: 60 } as const;

/** Sessions may be idle for at least this long, as far as a process knows that has seen none yet. */
const USUAL_IDLE_MS = 30 * 60_000;

export interface NewEpochRequest {
  readonly key: SessionKey;

  /** Epochs that are said to have begun, for example by the client's cookie. */
  readonly witnesses: readonly Witness[];

  /** Another branch of the session, if one is known. Its primary has to be heard. */
  readonly branch?: Epoch | undefined;

  /** Of the caller, which has been compared; left out where no caller asks. */
  readonly evidence?: Evidence | undefined;

  /** Members that are not to be asked, and not to become the backup. */
  readonly avoid: ReadonlySet<string>;

  /** Without a witness, members that do not answer count as having nothing. */
  readonly isLenient: boolean;
}

/**
 * Makes this member the primary of a session, with the newest state that was acknowledged anywhere. It claims all
 * copies, goes on from the newest, and begins an epoch of its own. A session changes its owners in this way only,
 * whatever the reason.
 *
 * Called in the session's queue.
 *
 * @throws ReplicationFailure when that cannot be done now
 */
export async function newEpoch(context: ReplicationContext, request: NewEpochRequest): Promise<Replica | NoSession> {
  const { timers, options } = context;
  const deadline = timers.now() + 2 * (options.callTimeoutMs + options.leaseMs);
  const search: EpochSearch = {
    witnesses: request.witnesses,
    floor: 0,
    mustAsk: request.branch ? [request.branch] : [],
    avoid: new Set(request.avoid),
  };
  for (let round = 1, backOff: number = BACK_OFF_MS.first; ; round++) {
    const found = await attempt(context, request, search);
    if (found !== 'again') return found;
    if (round >= LEAST_ROUNDS && timers.now() > deadline) throw new ReplicationFailure('its owners change too often');
    await pause(timers, options.random() * backOff);
    backOff = Math.min(2 * backOff, BACK_OFF_MS.most);
  }
}

async function attempt(
  context: ReplicationContext,
  { key, isLenient, evidence, branch }: NewEpochRequest,
  search: EpochSearch,
): Promise<Replica | NoSession | 'again'> {
  const { table, memory, clock } = context;
  const tombstone = table.endOf(key);
  if (tombstone) return { tombstone };
  if (search.witnesses.some((witness) => memory.isLost(key, witness))) return {};

  const round = new ClaimRound(context, key, search.witnesses, search.floor, search.avoid);
  await round.run(search.mustAsk);
  if (branch && isSilent(round, branch)) await round.askSuspected();
  if (branch && isSilent(round, branch)) {
    throw new ReplicationFailure(`member '${branch.node}', which has another branch of it, does not answer`);
  }
  let choice = chooseCopy(round, search.witnesses, isLenient);
  if (choice.is === 'unreachable' && (await round.askSuspected())) {
    choice = chooseCopy(round, search.witnesses, isLenient);
  }
  search.floor = Math.max(search.floor, round.floor);
  if (table.get(key) !== round.local) return 'again';

  switch (choice.is) {
    case 'unreachable':
      throw new ReplicationFailure(`members that may have it do not answer: ${choice.members.join(', ')}`);
    case 'newer':
      if (choice.begun) search.witnesses = [...search.witnesses, { ...choice.epoch, from: 'member' }];
      search.floor = Math.max(search.floor, choice.epoch.counter);
      search.mustAsk = [...search.mustAsk, choice.epoch];
      return 'again';
    case 'nothing':
      return {};
    case 'lost':
      return giveUpSession(context, round, choice, evidence);
    case 'ended':
      endSession(context, key, choice.tombstone, context.self);
      return { tombstone: choice.tombstone };
    case 'copy': {
      const { copy } = choice;
      if (!isTombstone(copy.state) && hasExpired(copy.state, clock.now())) return {};
      if (context.eras.hasEnded(copy.state)) return {};
      // The primary that gave it up may not know that its backup has the end. It can go on while it is cut off.
      if (!context.promises && isTombstone(copy.state) && isEviction(copy.state) && isSilent(round, copy)) {
        throw new ReplicationFailure(`member '${copy.node}', which was about to give it up, does not answer`);
      }
      return new TakeOver(context, round, copy, search).run();
    }
  }
}

function isSilent({ unanswered }: ClaimRound, { node }: Epoch): boolean {
  return unanswered.has(node) && unanswered.get(node) !== 'refused';
}

/**
 * All members have answered, and none has the state that the witness tells of, or one that follows it. Members without
 * a witness must not find the older copies: these are dropped.
 */
function giveUpSession(
  context: ReplicationContext,
  round: ClaimRound,
  { witness, best }: Extract<Choice<ClaimedCopy>, { is: 'lost' }>,
  evidence: Evidence | undefined,
): NoSession {
  const { self, members, calls, memory, events, table } = context;
  const { key, copies } = round;
  // [M6] A text that anybody can write, or the locator of a former id, has no effect on the session.
  if (witness.from === 'anybody' || !isProven(best, evidence, context.clock.now())) return { lost: true };
  memory.noteLost(key, witness);
  // Others have gone on from an older state, and their clients are not to lose theirs.
  const isOutdone = ({ counter, generation }: BegunEpoch): boolean =>
    counter >= witness.counter || generation > witness.generation;
  if (copies.some(isOutdone)) {
    events.session('lost', key);
    return { lost: true };
  }
  memory.noteMove(key, witness);
  const { counter, node, backup, generation } = witness;
  const message = { type: 'drop', key, counter, node, backup, generation, lineage: '' } as const;
  for (const { holder } of copies) {
    const peer = members.get(holder);
    if (peer) void calls.ask(peer, message).catch(() => undefined);
  }
  const own = copies.some(({ holder }) => holder === self) ? table.get(key) : undefined;
  if (own) table.remove(own);
  if (copies.length === 0 && wasEnded(context, round, witness)) return {};
  events.session('lost', key);
  return { lost: true };
}

/** Whether the caller may use what is left of the session. */
function isProven(best: ClaimedCopy | undefined, evidence: Evidence | undefined, now: number): boolean {
  if (!best || !evidence || isTombstone(best.state)) return true;
  return checkEvidence(best.state, evidence, now) === 'granted';
}

/**
 * Whether the session is more likely to have ended than to be lost: one of its owners has been running for longer than
 * sessions may be idle. The session has expired or ended there, so long ago that nothing is left of it.
 */
function wasEnded({ table }: ReplicationContext, { none }: ClaimRound, { node, backup }: Witness): boolean {
  const longMs = Math.max(table.longestIdleMs, USUAL_IDLE_MS);
  return [node, backup].some((name) => name !== NO_BACKUP && (none.get(name)?.upMs ?? 0) >= longMs);
}
