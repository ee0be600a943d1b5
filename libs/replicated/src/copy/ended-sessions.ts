import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { isEviction, type Tombstone } from './tombstone.js';

/** Ends that one sweep looks at. */
const MOST_PER_SWEEP = 5_000;

/**
 * The sessions that have ended for good, so that no copy which a member still has brings one back. Each is remembered
 * for as long as such a copy could live. Above the limit the oldest are forgotten: then a copy at a member that has
 * been cut off since before may open again.
 */
export class EndedSessions {
  /** In the order in which they ended, which is nearly the order in which they may be forgotten. */
  private readonly decided = new Map<SessionKey, Tombstone>();

  /** Those that made room, in the same order. Strangers can cause many, which push out no end by decision. */
  private readonly evicted = new Map<SessionKey, Tombstone>();

  constructor(private readonly limit: number) {}

  get(key: SessionKey): Tombstone | undefined {
    return this.decided.get(key) ?? this.evicted.get(key);
  }

  add(key: SessionKey, tombstone: Tombstone): void {
    const tombstones = isEviction(tombstone) ? this.evicted : this.decided;
    tombstones.set(key, tombstone);
    const [oldest] = tombstones.keys();
    if (oldest !== undefined && tombstones.size > this.limit) tombstones.delete(oldest);
  }

  sweep(now: number): void {
    for (const tombstones of [this.decided, this.evicted]) forgetOver(tombstones, now);
  }
}

function forgetOver(tombstones: Map<SessionKey, Tombstone>, now: number): void {
  let examined = 0;
  for (const [key, { until }] of tombstones) {
    if (until > now || ++examined > MOST_PER_SWEEP) return;
    tombstones.delete(key);
  }
}
