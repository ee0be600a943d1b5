import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { Replica } from '../copy/replica.js';
import { isTombstone } from '../copy/tombstone.js';
import type { Peer } from '../members/peer.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { Move } from '../protocol/replication-message.js';
import { newEpoch } from '../take-over/new-epoch.js';

/** Sessions that are repaired at a time: requests come first. */
const AT_ONCE = 16;

const NOBODY: ReadonlySet<string> = new Set();

/**
 * Gives sessions their second copy back when a member is lost, and joins the branches of sessions with which two
 * members went on, without waiting for their next requests.
 */
export class Repair {
  /** Epochs that began elsewhere and contradict those of this member. */
  private readonly branches = new Map<SessionKey, Move>();

  private isRunning = false;
  private isRequested = false;
  private isStopped = false;
  private ranAt = Number.NEGATIVE_INFINITY;
  private cancel: (() => void) | undefined = undefined;

  constructor(private readonly context: ReplicationContext) {}

  /** Two members, of which this is one, went on with the session while the network was split. One has to yield. */
  join(branch: Move): void {
    this.branches.set(branch.key, branch);
    this.request();
  }

  /** Looks through all copies, soon. */
  request(): void {
    this.isRequested = true;
    if (!this.isRunning) void this.run();
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  /** Looks for sessions with one copy as soon as a member may take another, but not all the time. */
  requestForSingleCopies(): void {
    const { timers, members, table, options } = this.context;
    const now = timers.now();
    if (table.alone === 0 || this.isRunning || now - this.ranAt < options.lostAfterMs / 2) return;
    if (members.others.some((peer) => peer.mayTakeCopies(now))) this.request();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    this.cancel?.();
    let isComplete = true;
    while (this.isRequested && !this.isStopped) {
      this.isRequested = false;
      const { table } = this.context;
      for (const key of this.branches.keys()) if (!table.get(key)?.isOwn) this.branches.delete(key);
      const due = [...table.replicas()].filter((replica) => this.isDue(replica));
      const next = due.values();
      const work = async (): Promise<void> => {
        for (const replica of next) {
          if (this.isStopped) return;
          if (!(await this.repair(replica))) isComplete = false;
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, due.length) }, work));
    }
    this.isRunning = false;
    this.ranAt = this.context.timers.now();
    if (isComplete || this.isStopped) return;
    const { timers, options } = this.context;
    this.cancel = timers.after(options.lostAfterMs, () => this.request());
  }

  private isDue(replica: Replica): boolean {
    return this.branches.has(replica.key) || needsNewEpoch(this.context, replica);
  }

  /** @returns false when it could not be done now */
  private async repair(replica: Replica): Promise<boolean> {
    const { context } = this;
    const { key } = replica;
    try {
      await context.queue.run(key, async () => {
        if (context.table.get(key) !== replica || !this.isDue(replica)) return;
        const branch = this.branches.get(key);
        await newEpoch(context, { key, witnesses: [], branch, avoid: NOBODY, isLenient: false });
      });
      this.branches.delete(key);
      return true;
    } catch {
      return false;
    }
  }
}

/**
 * Whether the session has one copy less than it should, and this member is the one to make another: the other owner is
 * lost, leaves, or was started anew with an empty heap. A member that only knows of the epoch steps in when both owners
 * are lost.
 */
function needsNewEpoch({ members, self, timers, clock, options, eras }: ReplicationContext, replica: Replica): boolean {
  if (isTombstone(replica.state) || replica.isExpired(clock.now()) || eras.hasEnded(replica.state)) return false;
  const now = timers.now();
  const canBeCopied = members.others.some((peer) => peer.mayTakeCopies(now));
  if (replica.isAlone && replica.isOwn) return canBeCopied;
  const primary = members.get(replica.node);
  // The others may be alive, and this member cut off. With nobody to copy to, an epoch of its own gains nothing, and
  // would contradict theirs when the network is whole again. A request that comes here begins one.
  if (!replica.isOwn && !canBeCopied && primary?.isLeaving !== true) return false;
  // A member that has just started counts as lost until it has answered, and may have put copies here before that.
  const isStarting = primary?.isLeaving === false && primary.isHeard(now, options.lostAfterMs);
  const isPrimaryLost = (isLost(primary) && !isStarting) || primary?.processes !== replica.partnerGeneration;
  if (replica.isOwn) {
    const backup = members.get(replica.backup);
    return isLost(backup) || backup?.incarnations !== replica.partnerGeneration;
  }
  if (replica.backup === self) return isPrimaryLost;
  return isPrimaryLost && isLost(members.get(replica.backup));
}

function isLost(peer: Peer | undefined): boolean {
  return peer === undefined || peer.state !== 'up' || peer.isLeaving;
}
