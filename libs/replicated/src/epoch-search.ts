import type { Epoch, Owners } from './epoch.js';

/** What a member that wants to begin an epoch has learned from one attempt to the next. */
export interface EpochSearch {
  /** Epochs that are known to have begun: the state has to be as new as all of them. */
  witnesses: readonly Owners[];

  /** The greatest counter that is known of. */
  floor: number;

  /** Epochs that may have begun without a copy being found: their primaries have to be heard. */
  mustHear: readonly Epoch[];

  /** Members that have just shown that they do not answer, or cannot take a copy. */
  readonly avoid: Set<string>;
}
