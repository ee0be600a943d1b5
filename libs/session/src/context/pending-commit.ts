import type { SessionBean } from '../bean/session-bean.js';
import type { SessionLifetime } from '../store/session-lifetime.js';

/** What one unit of work changed in one part of the session. */
export interface PartDifference {
  readonly bean: SessionBean;

  /** Payload the unit of work was taken from; null = the part did not exist. */
  readonly base: string | null;

  /** What `mine` differs from: `base`, or the encoded defaults of a bean that did not exist. The base of a merge. */
  readonly reference: string;

  readonly mine: string;
}

/**
 * The changes of one unit of work on their way to the store. Settles when the save that covers them is done, or when they are
 * refused; the response of the request waits for it.
 */
export class PendingCommit {
  /** Resolves when stored; rejects with a SessionError when not. */
  readonly done: Promise<void>;

  /** Set once the changes were refused. */
  failure: Error | undefined;

  private settled = false;
  private resolve!: () => void;
  private reject!: (error: Error) => void;

  constructor(
    readonly differences: readonly PartDifference[],
    /** Commits, not yet stored, whose result this unit of work has read: if one of them fails, this one saw what never was. */
    readonly dependsOn: readonly PendingCommit[],
    readonly lifetime: SessionLifetime | undefined,
  ) {
    this.done = new Promise<void>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // Whoever waits attaches a handler of its own; without this one a refusal nobody waits for would end the process.
    this.done.catch(() => undefined);
  }

  get isSettled(): boolean {
    return this.settled;
  }

  touches(part: string): boolean {
    return this.differences.some((difference) => difference.bean.name === part);
  }

  stored(): void {
    this.settled = true;
    this.resolve();
  }

  refuse(error: Error): void {
    this.settled = true;
    this.failure = error;
    this.reject(error);
  }
}
