import type { Epoch } from './epoch.js';

/** An epoch that a member may begin, by the consent of others. */
export interface PromisedEpoch extends Epoch {
  /** Names the process that asked: another one of that member knows nothing of it. Not known of epochs that have begun. */
  readonly life?: string;
}
