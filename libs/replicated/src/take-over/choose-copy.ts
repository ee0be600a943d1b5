import { isOwner, isSatisfied, NO_BACKUP, type Owners, sameEpoch } from '../copy/epoch.js';
import { isEnded } from '../copy/tombstone.js';
import type { ClaimedCopy } from './claimed-copy.js';

/** The answers of the members, as far as the choice depends on them: a `ClaimRound` that has been run. */
export interface ClaimResult {
  readonly copies: readonly ClaimedCopy[];
  readonly none: ReadonlyMap<
    string,
    { readonly process: string; readonly startedAt: number; readonly attempted: number }
  >;
  readonly unanswered: ReadonlyMap<string, 'refused' | 'silent' | 'rejected'>;
  readonly moved: Owners | undefined;
  readonly promisedFloor: number;
}

export type Choice =
  /** The newest state that was acknowledged. */
  | { readonly is: 'copy'; readonly copy: ClaimedCopy }
  /** The session has ended. */
  | { readonly is: 'ended'; readonly copy: ClaimedCopy }
  /** No member has it. */
  | { readonly is: 'nothing' }
  /** All members have answered, and none has the state that the witness tells of. */
  | { readonly is: 'lost'; readonly witness: Owners }
  /** Members that may know better do not answer. */
  | { readonly is: 'unreachable'; readonly members: readonly string[] }
  /** An epoch has shown up after its owners were asked: ask them again. `begun`: it is known to have begun. */
  | { readonly is: 'newer'; readonly epoch: Owners; readonly begun: boolean };

/**
 * Decides from which copy the session goes on.
 *
 * @param witnesses epochs that are known to have begun: the client was shown one, a member told of another. A state
 * that does not follow all of them is too old
 * @param isLenient without a witness, members that do not answer count as having nothing
 */
export function chooseCopy(result: ClaimResult, witnesses: readonly Owners[], isLenient: boolean): Choice {
  const { copies, none, unanswered, moved, promisedFloor } = result;
  // Nothing follows a tombstone, whatever the counters say.
  const tombstone = copies.find(({ state }) => isEnded(state));
  if (tombstone) return { is: 'ended', copy: tombstone };

  const begun = moved ? [...witnesses, moved] : witnesses;
  const stale = copies.filter((copy) => isDisowned(copy, none) || isOverruled(copy, copies, begun));
  // Its primary answered before it knew that this epoch is known, and may have been about to begin it.
  const doubted = stale.find(({ counter }) => counter > promisedFloor);
  if (doubted) return { is: 'newer', epoch: doubted, begun: false };
  const best = copies.filter((copy) => !stale.includes(copy)).toSorted((a, b) => rank(b, a, witnesses))[0];
  if (moved && moved.counter > Math.max(best?.counter ?? 0, ...witnesses.map(({ counter }) => counter))) {
    return { is: 'newer', epoch: moved, begun: true };
  }

  const silent = [...unanswered.keys()];
  if (!best) {
    if (silent.length > 0 && (witnesses.length > 0 || !isLenient)) return { is: 'unreachable', members: silent };
    return witnesses[0] ? { is: 'lost', witness: witnesses[0] } : { is: 'nothing' };
  }
  const newer = witnesses.find((witness) => !isAsNew(best, witness));
  if (newer) return silent.length > 0 ? { is: 'unreachable', members: silent } : { is: 'lost', witness: newer };
  return isOwner(best, best.holder) ? chooseOwnersCopy(best, result) : chooseBystandersCopy(best, result);
}

/**
 * The process that put the copy answers, and does not have the session: the session is over, or went on elsewhere.
 * Unless that process has just tried to begin the epoch: then the copy may be of an epoch that it could not begin.
 */
function isDisowned({ holder, counter, node, primaryProcess }: ClaimedCopy, none: ClaimResult['none']): boolean {
  const primary = none.get(node);
  const isThere = holder !== node && primary !== undefined && primary.process === primaryProcess;
  return isThere && primary.attempted < counter;
}

/**
 * The epoch of the copy could not begin, because another epoch that follows the same state was quicker: that one is
 * known to have begun, or the process that lost has a copy of it. The counter of the epoch that won may be the smaller
 * one.
 */
function isOverruled(copy: ClaimedCopy, copies: readonly ClaimedCopy[], begun: readonly Owners[]): boolean {
  const winners = copies.filter(({ holder, holderProcess, node, backup }) => {
    const hasBegun = holder === node && backup !== NO_BACKUP;
    return hasBegun || (holder === copy.node && holderProcess === copy.primaryProcess);
  });
  const others = [...begun, ...winners];
  if (others.some((epoch) => sameEpoch(epoch, copy))) return false;
  return others.some((epoch) => epoch.counter < copy.counter && !isSatisfied(epoch, copy));
}

/** Positive when `a` is to be preferred. */
function rank(a: ClaimedCopy, b: ClaimedCopy, witnesses: readonly Owners[]): number {
  const isNamed = (copy: ClaimedCopy): number => Number(witnesses.some((witness) => sameEpoch(copy, witness)));
  return (
    a.counter - b.counter ||
    isNamed(a) - isNamed(b) ||
    isOwnersCopy(a) - isOwnersCopy(b) ||
    a.seq - b.seq ||
    (a.node < b.node ? 1 : -1)
  );
}

function isOwnersCopy(copy: ClaimedCopy): number {
  return Number(isOwner(copy, copy.holder));
}

/**
 * A bystander is a member that only had to know of the epoch. Its copy is the state from which the epoch began: it is
 * as new as all epochs before, and not as new as the end of this one.
 */
function isAsNew(copy: ClaimedCopy, witness: Owners): boolean {
  return isSatisfied(witness, copy) && (!sameEpoch(copy, witness) || isOwner(copy, copy.holder));
}

/**
 * The copy has everything that was acknowledged at its epoch. Its primary must have stepped down, or be known not to
 * have begun the epoch, or its lease has to end.
 */
function chooseOwnersCopy(copy: ClaimedCopy, { copies, none, promisedFloor }: ClaimResult): Choice {
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
function chooseBystandersCopy(copy: ClaimedCopy, { copies, none, unanswered, promisedFloor }: ClaimResult): Choice {
  if (promisedFloor < copy.counter) return { is: 'newer', epoch: copy, begun: false };
  const owners = [copy.node, copy.backup].filter((name) => name !== NO_BACKUP);
  const knows = (name: string): boolean =>
    (none.get(name)?.startedAt ?? Infinity) < copy.putAt || copies.some(({ holder }) => holder === name);
  if (owners.some(knows)) return { is: 'copy', copy };
  const hidden = owners.filter((name) => unanswered.has(name) && unanswered.get(name) !== 'refused');
  return hidden.length > 0 ? { is: 'unreachable', members: hidden } : { is: 'copy', copy };
}
