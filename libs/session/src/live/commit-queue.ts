import type { SessionLifetime } from '../store/session-record.js';
import { applyCommit, applyCommits } from './apply-commit.js';
import { DeferredCommit } from './deferred-commit.js';
import { type PendingCommit, failureOfReader } from './pending-commit.js';
import type { Payloads } from './stored-session.js';

/** One moment of a session, whole: what a unit of work sees. */
export interface SessionSnapshot {
  readonly payloads: Payloads;

  /** Commits that are part of `payloads` and were not stored yet at that moment, oldest first. */
  readonly unsaved: readonly PendingCommit[];
}

/** The snapshot where there is no session yet. */
export const emptySnapshot: SessionSnapshot = { payloads: new Map(), unsaved: [] };

/**
 * After this many times in a row that another server was quicker, what was to be stored is refused with 503. With n
 * servers that write one session all the time, the chance of that is (1 - 1/n) to this power: none with four servers,
 * one in 40,000 with ten.
 */
export const MAX_ATTEMPTS = 100;

export const LOCK_LOST = 'the lock of the session was lost while the request ran; nothing of it was stored';

const LONGEST_BACK_OFF_MS = 16;

/** Waits before the next attempt: longer with each, and at random, so that two servers do not collide again. */
export function backOff(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * Math.min(LONGEST_BACK_OFF_MS, attempt)));
}

/**
 * The commits of one live session on their way to the store: those that wait, and the batch that one save takes along
 * (group commit). The head is what is stored, plus the batch, plus what waits, applied in that order.
 */
export class CommitQueue {
  private batch: readonly PendingCommit[] = NONE;
  private waiting: readonly PendingCommit[] = NONE;

  /** What is stored, plus the batch: what the save under way makes of the session. */
  target: Payloads;

  /**
   * @param stored what is stored
   * @param head the newest state
   * @param maxBytes see `refuseTooLarge`
   */
  constructor(
    stored: Payloads,
    public head: Payloads,
    private readonly maxBytes: number,
  ) {
    this.target = stored;
  }

  /** Whether one waits that has to be stored now. */
  get hasWaiting(): boolean {
    return this.waiting.some((commit) => !(commit instanceof DeferredCommit));
  }

  /** Whether one waits that may be stored later; the next save takes it along. */
  get hasDeferred(): boolean {
    return this.waiting.some((commit) => commit instanceof DeferredCommit);
  }

  /** False once each commit of the batch is stored or refused. */
  get hasBatch(): boolean {
    return this.batch.length > 0;
  }

  get snapshot(): SessionSnapshot {
    const { batch, waiting } = this;
    const unsaved = batch.length + waiting.length > 0 ? [...batch, ...waiting] : NONE;
    return { payloads: this.head, unsaved };
  }

  /** The new lifetime that the batch brings, if any; the last one counts. */
  get lifetime(): SessionLifetime | undefined {
    return this.batch.findLast((commit) => commit.lifetime)?.lifetime;
  }

  /** Token of the lock under which one of the batch was made. */
  get lock(): string | undefined {
    return this.batch.find((commit) => commit.lock)?.lock;
  }

  /**
   * Merges a commit into the head and lets it wait for the next save.
   * @throws SessionConflictError, SessionStateError: nothing was changed
   */
  add(commit: PendingCommit): void {
    this.head = applyCommit(commit, this.head, this.maxBytes);
    const last = this.waiting.at(-1);
    const areBothDeferred = last instanceof DeferredCommit && commit instanceof DeferredCommit;
    const joined = areBothDeferred ? last.followedBy(commit) : undefined;
    this.waiting = joined ? [...this.waiting.slice(0, -1), joined] : [...this.waiting, commit];
  }

  /** All that waits is the batch of the next save. */
  startBatch(): void {
    this.batch = this.waiting;
    this.waiting = NONE;
    this.target = this.head;
  }

  /** The store has accepted the batch. */
  batchStored(): void {
    for (const commit of this.batch) commit.markStored();
    this.batch = NONE;
  }

  /** Another server was quicker: the batch will be sent again. */
  countRetry(): void {
    for (const commit of this.batch) commit.retries++;
  }

  /**
   * Applies batch and waiting commits, in order, onto what the store has. Conflicting ones are refused.
   * @param stored what the store has
   */
  rebase(stored: Payloads): void {
    const batch = applyCommits(this.batch, stored, this.maxBytes);
    const waiting = applyCommits(this.waiting, batch.payloads, this.maxBytes);
    this.batch = batch.kept;
    this.target = batch.payloads;
    this.waiting = waiting.kept;
    this.head = waiting.payloads;
  }

  /** Refuses the batch, or those of it that were made under a lock; `rebase` then takes them out of the head. */
  refuseBatch(reason: Error, onlyLocked = false): void {
    const refused = onlyLocked ? this.batch.filter((commit) => commit.lock !== undefined) : this.batch;
    for (const commit of refused) commit.refuse(reason);
    this.batch = this.batch.filter((commit) => !commit.isSettled);
  }

  /** Refuses the waiting commits; the head is the target again. */
  refuseWaiting(reason: Error): void {
    for (const commit of this.waiting) commit.refuse(reason);
    this.waiting = NONE;
    this.head = this.target;
  }

  /**
   * The save of the batch has failed. What waits was built on the batch, so it cannot be stored either; it was never
   * sent.
   * @param stored what is known to be stored
   */
  refuseAll(reason: Error, stored: Payloads): void {
    this.refuseBatch(reason);
    this.target = stored;
    this.refuseWaiting(failureOfReader(reason));
  }
}

const NONE: readonly PendingCommit[] = [];
