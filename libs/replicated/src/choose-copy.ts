import type { ClaimedCopy } from './claimed-copy.js';
import { NO_BACKUP, type Owners } from './epoch.js';
import { isOwner } from './is-owner.js';
import { isSatisfied } from './is-satisfied.js';
import { isEnded } from './is-ended.js';
import { sameEpoch } from './same-epoch.js';

/** What members said, as far as it matters here. */
export interface ClaimResult {
  readonly copies: readonly ClaimedCopy[];
  readonly none: ReadonlyMap<string, { readonly life: string; readonly startedAt: number; readonly attempted: number }>;
  readonly unanswered: ReadonlyMap<string, 'refused' | 'silent' | 'rejected'>;
  readonly moved: Owners | undefined;
  readonly promisedFloor: number;
}

export type Choice =
  /** The newest state that was acknowledged. */
  | { readonly is: 'copy'; readonly copy: ClaimedCopy }
  /** The session has ended. */
  | { readonly is: 'ended'; readonly copy: ClaimedCopy }
  /** Nobody has it. */
  | { readonly is: 'nothing' }
  /** Everybody has answered, and nobody has the state that the witness tells of. */
  | { readonly is: 'lost'; readonly witness: Owners }
  /** Who may know better does not answer. */
  | { readonly is: 'unreachable'; readonly members: readonly string[] }
  /** An epoch has shown up whose owners were asked before it was known: ask them about it. `begun`: it is known to have begun. */
  | { readonly is: 'newer'; readonly epoch: Owners; readonly begun: boolean };

/**
 * Decides which of the copies that were told is the one to go on from.
 *
 * @param witnesses epochs that are known to have begun: the client was shown one, a member told of another. What does not go on from all of them is older
 * @param isLenient silence counts as having nothing while there is no witness
 */
export function chooseCopy(result: ClaimResult, witnesses: readonly Owners[], isLenient: boolean): Choice {
  const { copies, none, unanswered, moved, promisedFloor } = result;
  // Nothing follows a tombstone, whatever the counters say.
  const tombstone = copies.find(({ state }) => isEnded(state));
  if (tombstone) return { is: 'ended', copy: tombstone };

  const begun = moved ? [...witnesses, moved] : witnesses;
  const stale = copies.filter((copy) => isDisowned(copy, none) || isOverruled(copy, copies, begun));
  // It said so before that epoch was known, maybe while it was about to begin it.
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
  return isOwner(best, best.holder) ? ownersCopy(best, result) : bystandersCopy(best, result);
}

/**
 * The process that put the copy is there and does not have the session: it is over, or went on elsewhere. Unless that was a moment ago: then the copy may be of
 * an epoch that it could not begin.
 */
function isDisowned({ holder, counter, node, primaryLife }: ClaimedCopy, none: ClaimResult['none']): boolean {
  const primary = none.get(node);
  return holder !== node && primary !== undefined && primary.life === primaryLife && primary.attempted < counter;
}

/**
 * Whoever wanted to begin this epoch could not, because another one that follows the same state was quicker: that one is known to have begun, or the
 * process that lost has a copy of it. The counter of the one that won may be the smaller one.
 */
function isOverruled(copy: ClaimedCopy, copies: readonly ClaimedCopy[], begun: readonly Owners[]): boolean {
  const winners = copies.filter(({ holder, holderLife, node, backup }) => {
    const hasBegun = holder === node && backup !== NO_BACKUP;
    return hasBegun || (holder === copy.node && holderLife === copy.primaryLife);
  });
  const others = [...begun, ...winners];
  if (others.some((epoch) => sameEpoch(epoch, copy))) return false;
  return others.some((epoch) => epoch.counter < copy.counter && !isSatisfied(epoch, copy));
}

function isOwnersCopy(copy: ClaimedCopy): number {
  return isOwner(copy, copy.holder) ? 1 : 0;
}

/** Positive when `a` is to be preferred. */
function rank(a: ClaimedCopy, b: ClaimedCopy, witnesses: readonly Owners[]): number {
  const named = (copy: ClaimedCopy): number => (witnesses.some((witness) => sameEpoch(copy, witness)) ? 1 : 0);
  return (
    a.counter - b.counter ||
    named(a) - named(b) ||
    isOwnersCopy(a) - isOwnersCopy(b) ||
    a.seq - b.seq ||
    (a.node < b.node ? 1 : -1)
  );
}

/** A copy at one who only had to know of the epoch is the state from which the epoch began: as new as all epochs before it, not as its own end. */
function isAsNew(copy: ClaimedCopy, witness: Owners): boolean {
  return isSatisfied(witness, copy) && (!sameEpoch(copy, witness) || isOwner(copy, copy.holder));
}

/** It has all that was acknowledged at its epoch. Its primary must have stepped down, or be known not to have begun, or its lease has to end. */
function ownersCopy(copy: ClaimedCopy, { copies, none, promisedFloor }: ClaimResult): Choice {
  const answered = none.has(copy.node) || copies.some(({ holder }) => holder === copy.node);
  const steppedDown = copies.some((other) => other.holder === copy.node && sameEpoch(other, copy));
  if (answered && !steppedDown && promisedFloor < copy.counter) return { is: 'newer', epoch: copy, begun: false };
  return { is: 'copy', copy };
}

/**
 * Nobody who owns the epoch has told of it. If it has begun, there may be newer states at its owners; so one of them must say that it has not, and promise
 * that it will not. One that has started anew since does not know. Both being dead, this is the newest state there is.
 */
function bystandersCopy(copy: ClaimedCopy, { copies, none, unanswered, promisedFloor }: ClaimResult): Choice {
  if (promisedFloor < copy.counter) return { is: 'newer', epoch: copy, begun: false };
  const owners = [copy.node, copy.backup].filter((name) => name !== NO_BACKUP);
  const knows = (name: string): boolean =>
    (none.get(name)?.startedAt ?? Infinity) < copy.putAt || copies.some(({ holder }) => holder === name);
  if (owners.some(knows)) return { is: 'copy', copy };
  const hidden = owners.filter((name) => unanswered.has(name) && unanswered.get(name) !== 'refused');
  return hidden.length > 0 ? { is: 'unreachable', members: hidden } : { is: 'copy', copy };
}
