import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { Tombstone } from './tombstone.js';

/** Ends that one sweep looks at. */
const MOST_PER_SWEEP = 5_000;

/**
 * The sessions that have ended for good, so that no copy which a member still has brings one back. Each is remembered
 * for as long as such a copy could live. Above the limit the oldest are forgotten: then a copy at a member that has
 * been cut off since before may open again.
 */
export class EndedSessions {
  /** In the order in which they ended, which is nearly the order in which they may be forgotten. */
  private readonly tombstones = new Map<SessionKey, Tombstone>();

  constructor(private readonly limit: number) {}

  get size(): number {
    return this.tombstones.size;
  }

  get(key: SessionKey): Tombstone | undefined {
    return this.tombstones.get(key);
  }

  add(key: SessionKey, tombstone: Tombstone): void {
    this.tombstones.set(key, tombstone);
    const [oldest] = this.tombstones.keys();
    if (oldest !== undefined && this.tombstones.size > this.limit) this.tombstones.delete(oldest);
  }

  sweep(now: number): void {
    let examined = 0;
    for (const [key, { until }] of this.tombstones) {
      if (until > now || ++examined > MOST_PER_SWEEP) return;
      this.tombstones.delete(key);
    }
  }
}
