import type { Peer } from './peer.js';
import type { ReplicationContext } from './replication-context.js';

/** How long a process that could not ask enough others must assume that something it promised before its start still counts, at least. */
const LEAST_MS = 30 * 60_000;

/**
 * With quorum: a process that has just started has forgotten what it promised before, and must not promise the opposite. It learns from the others. Each
 * majority that it may have been part of has a member among any `members - majority + 1` others.
 */
export class PromiseRecall {
  private readonly heard = new Set<string>();
  private done = false;
  private underWay = false;

  constructor(private readonly context: () => ReplicationContext) {}

  get isDone(): boolean {
    if (this.done) return true;
    const { members, timers, startedAt, table } = this.context();
    // As long as nobody else is on the list: others may be found later.
    if (members.size === 1) return true;
    const isOver = timers.now() - startedAt > Math.max(LEAST_MS, table.longestIdleMs);
    this.done = isOver || this.heard.size >= members.size - members.majority + 1;
    return this.done;
  }

  /** Asks those who were not heard yet; called with every heartbeat until it is done. */
  async run(): Promise<void> {
    if (this.underWay || this.isDone) return;
    this.underWay = true;
    const { members } = this.context();
    await Promise.all(members.others.filter(({ name }) => !this.heard.has(name)).map((peer) => this.learnFrom(peer)));
    this.underWay = false;
  }

  private async learnFrom(peer: Peer): Promise<void> {
    const { calls, promises } = this.context();
    try {
      for (let skip = 0, generation = 0; ;) {
        const answer = await calls.ask(peer, { type: 'promises', generation, skip });
        if (answer.generation !== generation) skip = 0;
        if (answer.page.length === 0) break;
        for (const [key, epochs] of answer.page) promises?.learn(key, epochs);
        generation = answer.generation;
        skip += answer.page.length;
      }
      this.heard.add(peer.name);
    } catch {
      // Asked again with the next heartbeat.
    }
  }
}
