import {
  type BegunEpoch,
  follows,
  isOwner,
  isSatisfied,
  isVoid,
  NO_BACKUP,
  outranks,
  sameEpoch,
  type Witness,
} from '../copy/epoch.js';
import type { Tombstone } from '../copy/tombstone.js';
import type { ToldCopy } from './told-copy.js';

/** The answers of the members, as far as the choice depends on them: a `Survey` that has been run. */
export interface SurveyResult<C extends ToldCopy> {
  readonly copies: readonly C[];
  readonly none: ReadonlyMap<
    string,
    { readonly process: string; readonly startedAt: number; readonly attempted: number }
  >;
  readonly unanswered: ReadonlyMap<string, 'refused' | 'silent' | 'rejected'>;
  readonly ended: Tombstone | undefined;
  readonly moved: BegunEpoch | undefined;
  readonly promisedFloor: number;
}

export type Choice<C extends ToldCopy> =
  /** The newest state that was acknowledged. */
  | { readonly is: 'copy'; readonly copy: C }
  /** The session has ended. */
  | { readonly is: 'ended'; readonly tombstone: Tombstone }
  /** No member has it. */
  | { readonly is: 'nothing' }
  /** All members have answered, and none has the state that the witness tells of. `best`: the newest that they have. */
  | { readonly is: 'lost'; readonly witness: Witness; readonly best: C | undefined }
  /** Members that may know better do not answer. */
  | { readonly is: 'unreachable'; readonly members: readonly string[] }
  /** An epoch has shown up after its owners were asked: ask them again. `begun`: it is known to have begun. */
  | { readonly is: 'newer'; readonly epoch: BegunEpoch; readonly begun: boolean };

/**
 * Decides which copy of a session is the newest.
 *
 * @param witnesses epochs that are said to have begun: the client was shown one, a member told of another. A state that
 * does not follow all of them is too old
 * @param isLenient without a witness, members that do not answer count as having nothing
 */
export function chooseCopy<C extends ToldCopy>(
  result: SurveyResult<C>,
  witnesses: readonly Witness[],
  isLenient: boolean,
): Choice<C> {
  const { copies, none, unanswered, ended, moved, promisedFloor } = result;
  // [M4] No copy stands against an end, whatever its epoch.
  if (ended) return { is: 'ended', tombstone: ended };

  const known = witnesses.filter(({ from }) => from !== 'anybody');
  const begun = moved ? [...known, moved] : known;
  const stale = copies.filter((copy) => isDisowned(copy, none) || isOverruled(copy, copies, begun));
  // Its primary answered before it knew that this epoch is known, and may have been about to begin it.
  const doubted = stale.find(({ counter }) => counter > promisedFloor);
  if (doubted) return { is: 'newer', epoch: doubted, begun: false };
  const best = copies.filter((copy) => !stale.includes(copy)).toSorted((a, b) => rank(b, a, copies, known))[0];
  if (moved && isNews(moved, best ? [best, ...known] : known)) return { is: 'newer', epoch: moved, begun: true };

  const silent = [...unanswered.keys()];
  if (!best) {
    if (silent.length > 0 && (witnesses.length > 0 || !isLenient)) return { is: 'unreachable', members: silent };
    return witnesses[0] ? { is: 'lost', witness: witnesses[0], best } : { is: 'nothing' };
  }
  const missed = witnesses.filter((witness) => !isAsNew(best, witness));
  if (missed.length > 0 && silent.length > 0) return { is: 'unreachable', members: silent };
  // [M5] A branch of a lower generation yields, although this member knows that it has begun.
  const newer = missed.find(({ from, generation }) => from !== 'member' || generation >= best.generation);
  if (newer) return { is: 'lost', witness: newer, best };
  return isOwner(best, best.holder) ? chooseOwnersCopy(best, result) : chooseBystandersCopy(best, result);
}

/** Whether the owners of an epoch have to be asked, because nothing that is known yet is as new. */
function isNews(moved: BegunEpoch, known: readonly BegunEpoch[]): boolean {
  const counters = known.map(({ counter }) => counter);
  const generations = known.map(({ generation }) => generation);
  return moved.counter > Math.max(0, ...counters) || moved.generation > Math.max(0, ...generations);
}

/**
 * The process that put the copy answers, and does not have the session: the session is over, or went on elsewhere.
 * Unless that process has just tried to begin the epoch: then the copy may be of an epoch that it could not begin.
 */
function isDisowned<C extends ToldCopy>(
  { holder, counter, node, primaryProcess }: C,
  none: SurveyResult<C>['none'],
): boolean {
  const primary = none.get(node);
  const isThere = holder !== node && primary !== undefined && primary.process === primaryProcess;
  return isThere && primary.attempted < counter;
}

/**
 * The epoch of the copy could not begin, because another epoch that follows the same state was quicker: that one is
 * known to have begun, or the process that lost has a copy of it. The epoch that won may have the smaller counter.
 */
function isOverruled(copy: ToldCopy, copies: readonly ToldCopy[], begun: readonly BegunEpoch[]): boolean {
  const winners = copies.filter(({ holder, holderProcess, node, backup }) => {
    const hasBegun = holder === node && backup !== NO_BACKUP;
    return hasBegun || (holder === copy.node && holderProcess === copy.primaryProcess);
  });
  const others = [...begun, ...winners];
  if (others.some((epoch) => sameEpoch(epoch, copy))) return false;
  return others.some(
    (epoch) => outranks(copy, epoch) && !follows(copy, epoch) && !isRenewedBranch(copy, epoch, copies),
  );
}

/** [M5] While the network was split, both have begun, and the id was renewed in the one of the copy. */
function isRenewedBranch(copy: ToldCopy, epoch: BegunEpoch, copies: readonly ToldCopy[]): boolean {
  if (copy.generation <= epoch.generation) return false;
  const other = copies.find((each) => sameEpoch(each, epoch));
  return other !== undefined && !isVoid(copy, other);
}

/** The generation without a renewal that was never acknowledged. */
function acknowledgedGeneration(copy: ToldCopy, copies: readonly ToldCopy[]): number {
  const others = copies.filter((other) => isVoid(copy, other)).map(({ generation }) => generation);
  return Math.min(copy.generation, ...others);
}

/** Positive when `a` is to be preferred. */
function rank(a: ToldCopy, b: ToldCopy, copies: readonly ToldCopy[], witnesses: readonly Witness[]): number {
  const isNamed = (copy: ToldCopy): number => Number(witnesses.some((witness) => sameEpoch(copy, witness)));
  return (
    acknowledgedGeneration(a, copies) - acknowledgedGeneration(b, copies) ||
    a.counter - b.counter ||
    isNamed(a) - isNamed(b) ||
    isOwnersCopy(a) - isOwnersCopy(b) ||
    a.seq - b.seq ||
    (a.node < b.node ? 1 : -1)
  );
}

function isOwnersCopy(copy: ToldCopy): number {
  return Number(isOwner(copy, copy.holder));
}

/**
 * A bystander is a member that only had to know of the epoch. Its copy is the state from which the epoch began: it is
 * as new as all epochs before, and not as new as the end of this one.
 */
function isAsNew(copy: ToldCopy, witness: Witness): boolean {
  return isSatisfied(witness, copy) && (!sameEpoch(copy, witness) || isOwner(copy, copy.holder));
}

/**
 * The copy has everything that was acknowledged at its epoch. Its primary must have stepped down, or be known not to
 * have begun the epoch, or its lease has to end.
 */
function chooseOwnersCopy<C extends ToldCopy>(copy: C, { copies, none, promisedFloor }: SurveyResult<C>): Choice<C> {
  const hasAnswered = none.has(copy.node) || copies.some(({ holder }) => holder === copy.node);
  const hasSteppedDown = copies.some((other) => other.holder === copy.node && sameEpoch(other, copy));
  if (hasAnswered && !hasSteppedDown && promisedFloor < copy.counter) return { is: 'newer', epoch: copy, begun: false };
  return { is: 'copy', copy };
}

/**
 * No owner of the epoch has told of it. If it has begun, its owners may have newer states. So one of them must say that
 * it has not, and promise that it will not; an owner that was started anew since does not know. When both are dead,
 * this is the newest state there is.
 */
function chooseBystandersCopy<C extends ToldCopy>(
  copy: C,
  { copies, none, unanswered, promisedFloor }: SurveyResult<C>,
): Choice<C> {
  if (promisedFloor < copy.counter) return { is: 'newer', epoch: copy, begun: false };
  const owners = [copy.node, copy.backup].filter((name) => name !== NO_BACKUP);
  const knows = (name: string): boolean =>
    (none.get(name)?.startedAt ?? Infinity) < copy.putAt || copies.some(({ holder }) => holder === name);
  if (owners.some(knows)) return { is: 'copy', copy };
  const hidden = owners.filter((name) => unanswered.has(name) && unanswered.get(name) !== 'refused');
  return hidden.length > 0 ? { is: 'unreachable', members: hidden } : { is: 'copy', copy };
}
