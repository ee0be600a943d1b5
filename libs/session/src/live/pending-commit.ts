import type { SessionBean } from '../bean/session-bean.js';
import { SessionStoreError } from '../errors/session-store.error.js';
import type { SessionLifetime } from '../store/session-record.js';

/** What one unit of work changed in one part of the session. */
export interface PartDifference {
  readonly bean: SessionBean;

  /** Payload that the unit of work started from; null = the part did not exist. */
  readonly base: string | null;

  /** The base of a merge: `base`, or the encoded defaults of a bean that did not exist. `mine` differs from it. */
  readonly reference: string;

  readonly mine: string;
}

/**
 * The changes of one unit of work on their way to the store. It settles once: when the save that covers it is done, or
 * when it is refused. The response of the request waits for that.
 */
export class PendingCommit {
  /** How often the save that covers it was sent again because another server was quicker. */
  retries = 0;

  /**
   * Whether a unit of work that has seen it before it was stored depends on it. Not on an entry of the library's own
   * that says nothing to the application.
   */
  bindsReaders = true;

  private settled = false;
  private reason: Error | undefined;
  private dependencies: readonly PendingCommit[];
  private settling: Promise<void> | undefined;
  private resolve: (() => void) | undefined;
  private reject: ((error: Error) => void) | undefined;

  /**
   * @param dependsOn commits, not yet stored, whose result the unit of work has read
   * @param lifetime the session's new lifetime, if that changes
   * @param lock token of the lock that the store must still know when it is saved
   */
  constructor(
    readonly differences: readonly PartDifference[],
    dependsOn: readonly PendingCommit[] = [],
    readonly lifetime?: SessionLifetime,
    readonly lock?: string,
  ) {
    this.dependencies = dependsOn;
  }

  /**
   * Resolves when it is stored; rejects with a SessionError when it is refused. The promise is made when it is asked
   * for: a store that answers at once needs none.
   */
  get done(): Promise<void> {
    return (this.settling ??= this.isStored ? STORED : this.promise());
  }

  get isStored(): boolean {
    return this.settled && this.reason === undefined;
  }

  get isSettled(): boolean {
    return this.settled;
  }

  /** Why its changes were refused; undefined if they were not. */
  get failure(): Error | undefined {
    return this.reason;
  }

  /** As `done`, for a request that has read the result. */
  async doneForReader(): Promise<void> {
    try {
      await this.done;
    } catch (error) {
      throw failureOfReader(error as Error);
    }
  }

  /** If one of these fails, this unit of work saw what never was. Empty once it is settled. */
  get dependsOn(): readonly PendingCommit[] {
    return this.dependencies;
  }

  changes(part: string): boolean {
    return this.differences.some((difference) => difference.bean.name === part);
  }

  markStored(): void {
    this.settle();
    this.resolve?.();
  }

  /** Ignored when it is settled: the first reason counts. */
  refuse(error: Error): void {
    if (this.settled) return;
    this.settle();
    this.reason = error;
    this.reject?.(error);
  }

  private promise(): Promise<void> {
    const { reason } = this;
    const settling = reason
      ? Promise.reject<void>(reason)
      : new Promise<void>((resolve, reject) => {
          this.resolve = resolve;
          this.reject = reject;
        });
    // A caller that waits attaches a handler of its own; without this one, a refusal without callers ends the process.
    settling.catch(() => undefined);
    return settling;
  }

  private settle(): void {
    this.settled = true;
    // Otherwise each commit of a session that is never idle would keep all earlier ones in memory.
    this.dependencies = [];
  }
}

/**
 * The failure of a request that has read the result of a commit which was refused for `reason`. Nothing that the
 * request itself changed was sent, even where it is unknown whether the store has applied that commit.
 */
export function failureOfReader(reason: Error): Error {
  if (!(reason instanceof SessionStoreError) || reason.applied === false) return reason;
  const { store, operation, message } = reason;
  const problem = `this request builds on a change that may not be stored (${message})`;
  return new SessionStoreError({ store, operation, problem, applied: false, cause: reason });
}

/** Made outside of every request: on Node 20 a promise keeps the request alive in which it was made. */
const STORED = Promise.resolve();
