import { AsyncResource } from 'node:async_hooks';
import type { DeferredCommit } from './deferred-commit.js';
import type { LiveSession } from './live-session.js';
import { estimatedBytes } from './near-cache.js';

/** About how much heap the sessions may take whose changes wait. Beyond it changes are stored before the answer. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Sessions that are stored at the same time when the application shuts down. */
const AT_ONCE = 100;

/** The application shuts down after this, in ms, also when the store has not taken everything. */
const CLOSING_MS = 10_000;

interface HeldSession {
  readonly bytes: number;

  /** When its changes have to be stored; `Infinity` while that is under way. */
  dueAt: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The live sessions whose changes wait to be stored (`writeBehindMs`). Each counts as used meanwhile, so that later
 * requests on this server find the changes. The time runs from the first change that waits: later ones join it.
 */
export class WriteBehind {
  private readonly held = new Map<LiveSession, HeldSession>();
  private bytes = 0;
  private isClosing = false;

  /** A timer keeps the request alive in which it was made, so timers are made outside of all requests. */
  private readonly outside = new AsyncResource('nestjs-session-beans:write-behind');

  /** @param release gives back a live session that was held */
  constructor(private readonly release: (live: LiveSession) => void) {}

  /** Sessions whose changes wait. For metrics and tests. */
  get size(): number {
    return this.held.size;
  }

  /** Whether changes of the session may wait: there is room, and the application does not shut down. */
  accepts(live: LiveSession): boolean {
    return !this.isClosing && (this.bytes < MOST_BYTES || this.held.has(live));
  }

  /**
   * Merges a unit of work into the head, and has it stored `waitMs` from now at the latest.
   * @throws SessionConflictError, SessionEndedError, SessionStateError: nothing was changed
   */
  add(live: LiveSession, commit: DeferredCommit, waitMs: number): void {
    live.defer(commit);
    const held = this.held.get(live) ?? this.hold(live);
    const dueAt = performance.now() + waitMs;
    if (held.dueAt <= dueAt) return;
    clearTimeout(held.timer);
    held.dueAt = dueAt;
    held.timer = this.outside.runInAsyncScope(() => setTimeout(() => void this.store(live, held), waitMs).unref());
  }

  /**
   * Stores all that waits; from now on changes are stored before the answer.
   * @returns how many sessions have changes that could not be sent in time
   */
  async close(): Promise<number> {
    this.isClosing = true;
    const until = performance.now() + CLOSING_MS;
    // All workers take from one iterator. More calls at once would be refused by the gateway.
    const waiting = [...this.held].values();
    const work = async (): Promise<void> => {
      for (const [live, held] of waiting) if (performance.now() < until) await this.store(live, held);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    return this.held.size;
  }

  private hold(live: LiveSession): HeldSession {
    const held: HeldSession = { bytes: estimatedBytes(live), dueAt: Infinity, timer: undefined };
    live.users++;
    this.held.set(live, held);
    this.bytes += held.bytes;
    return held;
  }

  private async store(live: LiveSession, held: HeldSession): Promise<void> {
    clearTimeout(held.timer);
    held.dueAt = Infinity;
    await live.storeDeferred();
    // Another change came meanwhile, and has a timer; or the shutdown has stored it, too.
    if (held.dueAt !== Infinity || !this.held.delete(live)) return;
    this.bytes -= held.bytes;
    this.release(live);
  }
}
