import { ownText } from '../session-id.js';

/**
 * Names of sessions that ended lately: keys, or keys with a proof. A name is remembered for at least `forMs` and at
 * most twice as long. If more than `limit` names come in that time, the oldest are forgotten earlier.
 *
 * Names are forgotten by the set rather than one by one: the young set becomes the old one, whose names are dropped.
 */
export class RecentKeys {
  private young = new Set<string>();
  private old = new Set<string>();
  private since: number;

  constructor(
    private readonly forMs: number,
    private readonly limit: number,
    now: number,
  ) {
    this.since = now;
  }

  add(key: string, now: number): void {
    this.forgetOld(now);
    this.young.add(ownText(key));
    if (this.young.size >= this.limit) this.startGeneration(now);
  }

  has(key: string, now: number): boolean {
    this.forgetOld(now);
    return this.young.has(key) || this.old.has(key);
  }

  private forgetOld(now: number): void {
    const age = now - this.since;
    if (age < this.forMs) return;
    // From its end, not from now: a generation is not remembered longer because no call came when it was over.
    this.startGeneration(this.since + this.forMs);
    if (age >= 2 * this.forMs) this.startGeneration(now);
  }

  private startGeneration(since: number): void {
    this.old = this.young;
    this.young = new Set();
    this.since = since;
  }
}
