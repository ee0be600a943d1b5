import { type PartDifference, PendingCommit } from './pending-commit.js';

/**
 * Changes of beans that declare `writeBehindMs`: part of the head at once, and stored with the next save of the session
 * or when their time is up. Nobody waits for them, and nobody who has seen them depends on them.
 */
export class DeferredCommit extends PendingCommit {
  override bindsReaders = false;

  /**
   * @param dependsOn commits, not yet stored, whose result the unit of work has read
   * @param onDropped told why the changes will not be stored: no request is left that could be refused
   */
  constructor(
    differences: readonly PartDifference[],
    dependsOn: readonly PendingCommit[],
    private readonly onDropped: (differences: readonly PartDifference[], reason: Error) => void,
  ) {
    super(differences, dependsOn);
  }

  /**
   * This commit and the one behind it as one, so that a session has one that waits, however many requests come.
   * @returns undefined where what `next` did cannot be done to what this one has left
   */
  followedBy(next: DeferredCommit): DeferredCommit | undefined {
    const parts = new Map(this.differences.map((difference) => [difference.bean.name, difference]));
    for (const difference of next.differences) {
      const earlier = parts.get(difference.bean.name);
      const mine = earlier ? both(earlier, difference) : difference.mine;
      if (mine === undefined) return undefined;
      parts.set(difference.bean.name, { ...(earlier ?? difference), mine });
    }
    const unsaved = [...this.dependsOn, ...next.dependsOn].filter(({ isStored }) => !isStored);
    return new DeferredCommit([...parts.values()], [...new Set(unsaved)], this.onDropped);
  }

  override refuse(error: Error): void {
    if (!this.isSettled) this.onDropped(this.differences, error);
    super.refuse(error);
  }
}

/**
 * The payload after both changes, seen from where the earlier one began. The later one may have been made from a state
 * with changes of others, which belong to neither.
 */
function both(earlier: PartDifference, { bean, base, reference, mine }: PartDifference): string | undefined {
  if (base === earlier.mine) return mine;
  try {
    const merged = bean.state.merge(reference, mine, earlier.mine);
    return merged.outcome === 'merged' ? merged.payload : undefined;
  } catch {
    // A merge rule of the application failed. It is asked again when the changes are stored.
    return undefined;
  }
}
