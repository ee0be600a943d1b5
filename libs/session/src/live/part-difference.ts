import type { SessionBean } from '../bean/session-bean.js';

/** What one unit of work changed in one part of the session. */
export interface PartDifference {
  readonly bean: SessionBean;

  /** Payload the unit of work was taken from; null = the part did not exist. */
  readonly base: string | null;

  /** What `mine` differs from: `base`, or the encoded defaults of a bean that did not exist. The base of a merge. */
  readonly reference: string;

  readonly mine: string;
}
