/**
 * A stretch of a session's life during which the same two members have it. Counter and primary identify it; the counter
 * says which of two epochs is newer. Everything that was acknowledged at an epoch is on its primary and on its backup.
 */
export interface Epoch {
  /** 1 and up. */
  readonly counter: number;

  /** Name of its primary. */
  readonly node: string;
}

/**
 * Stands in place of a backup's name when the primary has the only copy. A primary that gets a backup begins an epoch.
 */
export const NO_BACKUP = '-';

/** An epoch and its backup: exactly the members that can have what was acknowledged at it. */
export interface Owners extends Epoch {
  /** Name of a member, or {@link NO_BACKUP}. */
  readonly backup: string;
}

/** The place of a copy, or of what is known of one, among all copies of its session. */
export interface Rank extends Epoch {
  /** How often the session's id had been renewed. */
  readonly generation: number;
}

/** An epoch that is known to have begun, with the generation that the session had by then. */
export interface BegunEpoch extends Owners, Rank {}

/** An epoch that is said to have begun: a state that does not go on from it is too old. */
export interface Witness extends BegunEpoch {
  /**
   * `member`: this member or another one knows it. `client`: a locator that the group has signed for the presented id.
   * `anybody`: a text without such a signature. It can only make an answer fail, and has no effect on copies.
   */
  readonly from: 'member' | 'client' | 'anybody';
}

/** An epoch that a member may begin, because others have consented to it. */
export interface PromisedEpoch extends Epoch {
  /**
   * Names the process that asked; another process of that member knows nothing of the promise. Absent for epochs that
   * have begun.
   */
  readonly process?: string;
}

const MOST_SKIPPED = 1_024;

/** A session remembers this many epochs, enough to see that two members have gone on from different ones. */
const MOST_REMEMBERED = 32;

/**
 * A greater counter. A member that was started anew does not know which epochs its earlier processes began, so it skips
 * a random number: otherwise one of its epochs could have the counter of one of theirs.
 */
export function nextCounter(counter: number, random: () => number): number {
  return counter + 1 + Math.floor(random() * MOST_SKIPPED);
}

/** After a split of the network two members may begin epochs with the same counter. These are different epochs. */
export function sameEpoch(one: Epoch, other: Epoch): boolean {
  return one.counter === other.counter && one.node === other.node;
}

/**
 * [M5] Whether an epoch counts more than another one, if neither goes on from the other: only a split of the network
 * makes such epochs. The one whose id was renewed more often does, so that no split brings a former id back.
 */
export function outranks(one: Rank, other: Rank): boolean {
  return one.generation === other.generation ? one.counter > other.counter : one.generation > other.generation;
}

/**
 * Whether the member is one of the two that have everything acknowledged at the epoch. Other members may have a copy,
 * too: they were told of the epoch when it began, and get no later change.
 */
export function isOwner(owners: Owners, member: string): boolean {
  return owners.node === member || owners.backup === member;
}

/**
 * The last epochs that a session went through before its present one, oldest first, as `4:s1 5:s2`. Empty in its first.
 *
 * @param lineage of the epoch that the new one follows
 */
export function lineageAfter(lineage: string, { counter, node }: Epoch): string {
  const before = lineage === '' ? [] : lineage.split(' ');
  return [...before, `${counter}:${node}`].slice(-MOST_REMEMBERED).join(' ');
}

/**
 * Whether a session with this lineage has not gone through the given epoch, so that it lacks what was acknowledged at
 * that epoch. Only a split of the network does that.
 *
 * @param lineage includes its present epoch: see `lineageAfter`
 */
export function hasForked(lineage: string, epoch: Epoch & { readonly isAlone: boolean }): boolean {
  const passed = lineage.split(' ');
  if (passed.includes(`${epoch.counter}:${epoch.node}`)) return false;
  const isBeforeMemory = passed.length > 1 && Number.parseInt(passed[0] as string, 10) > epoch.counter;
  // Nobody can have gone on from the only copy without having told this member.
  return !isBeforeMemory || epoch.isAlone;
}

/**
 * Whether an epoch goes on from another one. A greater counter alone does not say so: after a split of the network, or
 * when the only copy was lost, others may have gone on from an older state.
 *
 * @param later with the lineage before it
 */
export function follows(later: Epoch & { readonly lineage: string }, earlier: Epoch): boolean {
  if (later.counter <= earlier.counter) return false;
  return !hasForked(lineageAfter(later.lineage, later), { ...earlier, isAlone: false });
}

/** The last renewal of a copy, if there was one. */
export interface Renewed {
  readonly generation: number;

  /** The epoch in which that was done last. */
  readonly renewedIn: Epoch | undefined;
}

/**
 * Whether a renewal was never acknowledged: the other state went on from the epoch in which it was made, and it does
 * not have it. A lineage that does not reach back so far says nothing: the renewal counts then.
 */
export function isVoid(
  renewal: Renewed,
  other: Epoch & { readonly generation: number; readonly lineage: string },
): boolean {
  const { generation, renewedIn } = renewal;
  if (renewedIn === undefined || other.generation >= generation || other.counter <= renewedIn.counter) return false;
  return !hasForked(lineageAfter(other.lineage, other), { ...renewedIn, isAlone: true });
}

/**
 * [M3] Whether a state is as new as a witness says: it is of that epoch, or goes on from it, and its id was renewed as
 * often.
 */
export function isSatisfied(witness: BegunEpoch, state: BegunEpoch & { readonly lineage: string }): boolean {
  return state.generation >= witness.generation && (sameEpoch(state, witness) || follows(state, witness));
}
