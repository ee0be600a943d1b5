import type { Replica } from '../copy/replica.js';
import { isTombstone } from '../copy/tombstone.js';
import type { Peer } from '../members/peer.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import type { ReplicationContext } from '../protocol/replication-context.js';

const EVERY_MS = 10_000;
const BATCH = 500;

/** A copy that came less than this ago may belong to an epoch that is just beginning. */
const YOUNG_MS = 2_000;

/**
 * Finds copies that are not needed any more although no message said so, because it was lost: every few seconds the
 * primaries are asked about the copies of their epochs.
 */
export class AntiEntropy {
  private cancel: (() => void) | undefined = undefined;
  private isStopped = false;

  constructor(
    private readonly context: ReplicationContext,
    /** Called after each round, because copies may have to be made anew. */
    private readonly onRound: () => void,
  ) {}

  start(): void {
    if (this.isStopped) return;
    this.cancel = this.context.timers.after(EVERY_MS, () => {
      void this.round().finally(() => {
        if (this.isStopped) return;
        this.onRound();
        this.start();
      });
    });
  }

  stop(): void {
    this.isStopped = true;
    this.cancel?.();
  }

  private async round(): Promise<void> {
    const { members, table, timers } = this.context;
    const now = timers.now();
    const byPrimary = new Map<Peer, Replica[]>();
    for (const replica of table.replicas()) {
      const primary = replica.isOwn || now - replica.confirmedAt < YOUNG_MS ? undefined : members.get(replica.node);
      if (primary?.state !== 'up') continue;
      const copies = byPrimary.get(primary);
      if (copies) copies.push(replica);
      else byPrimary.set(primary, [replica]);
    }
    await Promise.all([...byPrimary].map(([primary, copies]) => this.check(primary, copies)));
  }

  private async check(primary: Peer, copies: readonly Replica[]): Promise<void> {
    const { calls, table, self } = this.context;
    try {
      for (let at = 0; at < copies.length && !this.isStopped; at += BATCH) {
        const batch = copies.slice(at, at + BATCH);
        const replicas = batch.map(({ key, counter }) => [key, counter] as const);
        const { incarnation, verdicts } = await calls.ask(primary, { type: 'check', replicas });
        primary.noteIncarnation(incarnation);
        for (const [index, replica] of batch.entries()) {
          const verdict = verdicts[index];
          // A process that began the epoch and knows nothing of it has ended the session, or given it away. A later
          // process has lost it, and this copy counts.
          const isOver =
            verdict === 'drop' || (verdict === 'unknown' && primary.processes === replica.partnerGeneration);
          if (!isOver || table.get(replica.key) !== replica || isTombstone(replica.state)) continue;
          fenceReplica(this.context, replica, self);
          table.remove(replica);
        }
      }
    } catch {
      // The next round asks again.
    }
  }
}
