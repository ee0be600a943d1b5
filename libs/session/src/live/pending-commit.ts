import type { SessionLifetime } from '../store/session-lifetime.js';
import type { PartDifference } from './part-difference.js';

/**
 * The changes of one unit of work on their way to the store. Settles when the save that covers them is done, or when they are
 * refused; the response of the request waits for it.
 */
export class PendingCommit {
  /** How often the save that covers it was sent again because another server was quicker. */
  retries = 0;

  private settled = false;
  private reason: Error | undefined;
  private dependencies: readonly PendingCommit[];
  private waited: Promise<void> | undefined;
  private resolve: (() => void) | undefined;
  private reject: ((error: Error) => void) | undefined;

  constructor(
    readonly differences: readonly PartDifference[],
    dependsOn: readonly PendingCommit[] = [],
    readonly lifetime?: SessionLifetime,
    /** Token of the lock that must be held in the store when it is saved. */
    readonly lock?: string,
  ) {
    this.dependencies = dependsOn;
  }

  /** Resolves when stored; rejects with a SessionError when not. Made when it is asked for: a store that answers at once needs none. */
  get done(): Promise<void> {
    return (this.waited ??= this.isStored ? STORED : this.settling());
  }

  get isStored(): boolean {
    return this.settled && this.reason === undefined;
  }

  /** Commits, not yet stored, whose result this unit of work has read: if one of them fails, this one saw what never was. */
  get dependsOn(): readonly PendingCommit[] {
    return this.dependencies;
  }

  /** Set once the changes were refused. */
  get failure(): Error | undefined {
    return this.reason;
  }

  get isSettled(): boolean {
    return this.settled;
  }

  touches(part: string): boolean {
    return this.differences.some((difference) => difference.bean.name === part);
  }

  stored(): void {
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

  private settling(): Promise<void> {
    const { reason } = this;
    const settling = reason
      ? Promise.reject<void>(reason)
      : new Promise<void>((resolve, reject) => {
          this.resolve = resolve;
          this.reject = reject;
        });
    // Whoever waits attaches a handler of its own; without this one a refusal nobody waits for would end the process.
    settling.catch(() => undefined);
    return settling;
  }

  private settle(): void {
    this.settled = true;
    // Else each commit of a session that is never idle would keep all before it in memory.
    this.dependencies = [];
  }
}

/** Made outside of every request: on Node 20 a promise holds on to the request it was made in. */
const STORED = Promise.resolve();
