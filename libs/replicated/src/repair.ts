import { needsNewEpoch } from './needs-new-epoch.js';
import { newEpoch } from './new-epoch.js';
import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';

/** Sessions worked on at a time: requests come first. */
const AT_ONCE = 16;

const NOBODY: ReadonlySet<string> = new Set();

/** Gives sessions their second copy back when a member is lost, without waiting for their next requests. */
export class Repair {
  private isRunning = false;
  private isWanted = false;
  private isStopped = false;
  private ranAt = Number.NEGATIVE_INFINITY;
  private cancel: (() => void) | undefined = undefined;

  constructor(private readonly context: ReplicationContext) {}

  /** Looks through all copies, soon. */
  request(): void {
    this.isWanted = true;
    if (!this.isRunning) void this.run();
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  /** For sessions with one copy: as soon as there may be somebody to take another, but not all the time. */
  requestForThoseAlone(): void {
    const { timers, members, table, options } = this.context;
    const now = timers.now();
    if (table.alone === 0 || this.isRunning || now - this.ranAt < options.lostAfterMs / 2) return;
    if (members.others.some((peer) => peer.isUsable(now))) this.request();
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    this.cancel?.();
    let isComplete = true;
    while (this.isWanted && !this.isStopped) {
      this.isWanted = false;
      const { table } = this.context;
      const due = [...table.replicas()].filter((replica) => needsNewEpoch(this.context, replica));
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

  /** @returns false when it could not be done now */
  private async repair(replica: Replica): Promise<boolean> {
    const { context } = this;
    const { key } = replica;
    try {
      await context.queue.run(key, async () => {
        if (context.table.get(key) !== replica || !needsNewEpoch(context, replica)) return;
        await newEpoch(context, { key, witnesses: [], avoid: NOBODY, isLenient: false });
      });
      return true;
    } catch {
      return false;
    }
  }
}
