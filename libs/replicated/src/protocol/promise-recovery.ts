import type { Promises } from '../copy/promises.js';
import type { ReplicaTable } from '../copy/replica-table.js';
import type { Members } from '../members/members.js';
import type { Peer } from '../members/peer.js';
import type { ReplicationTimers } from '../options/replication-timers.js';
import type { MemberCalls } from './member-calls.js';

/**
 * For at least this long after its start a process that could not ask enough others assumes that old promises count.
 */
const LEAST_MS = 30 * 60_000;

/**
 * With quorum. A process that has just started does not know what the processes before it promised, and must not
 * promise the opposite: it asks the others. Every majority that this member may have been part of has a member among
 * any `members - majority + 1` others.
 */
export class PromiseRecovery {
  private readonly heard = new Set<string>();
  private done = false;
  private isRunning = false;

  constructor(
    private readonly startedAt: number,
    private readonly timers: ReplicationTimers,
    private readonly members: Members,
    private readonly calls: MemberCalls,
    private readonly table: ReplicaTable,
    private readonly promises: Promises,
  ) {}

  /** Whether this member may promise something. */
  get isDone(): boolean {
    if (this.done) return true;
    const { members, timers, startedAt, table } = this;
    // Not for good: other members may be found later.
    if (members.size === 1) return true;
    const isOver = timers.now() - startedAt > Math.max(LEAST_MS, table.longestIdleMs);
    this.done = isOver || this.heard.size >= members.size - members.majority + 1;
    return this.done;
  }

  /** Asks the members that have not been heard yet. Called with every heartbeat until it is done. */
  async run(): Promise<void> {
    if (this.isRunning || this.isDone) return;
    this.isRunning = true;
    const unheard = this.members.others.filter(({ name }) => !this.heard.has(name));
    await Promise.all(unheard.map((peer) => this.learnFrom(peer)));
    this.isRunning = false;
  }

  private async learnFrom(peer: Peer): Promise<void> {
    try {
      for (let skip = 0, generation = 0; ;) {
        const answer = await this.calls.ask(peer, { type: 'promises', generation, skip });
        if (answer.generation !== generation) skip = 0;
        if (answer.page.length === 0) break;
        for (const [key, epochs] of answer.page) this.promises.learn(key, epochs);
        generation = answer.generation;
        skip += answer.page.length;
      }
      this.heard.add(peer.name);
    } catch {
      // It is asked again with the next heartbeat.
    }
  }
}
