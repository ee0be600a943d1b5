/**
 * An entry of an {@link ExpiryWheel}. The last three fields belong to the wheel, which links its entries through them.
 */
export interface WheelEntry<T> {
  /** Ms since 1970. It may move later at any time. After it has moved earlier, call {@link ExpiryWheel.reschedule}. */
  readonly expiresAt: number;

  slot: number;
  previous: T | undefined;
  next: T | undefined;
}

const SLOTS = 4096;

/**
 * Finds expired entries without a timer for each, and without ever looking at all entries at once.
 *
 * It is a ring of 4096 slots of one second. An entry waits in the slot of the second in which it expires, at most one
 * round ahead. When a slot comes up, its expired entries are handed out. The others, which were prolonged since or are
 * more than a round away, are put where they belong now. So prolonging an entry costs nothing until its old slot comes
 * up.
 *
 * @example
 * ```ts
 * const wheel = new ExpiryWheel<Entry>(Date.now());
 * wheel.add(entry);
 * setInterval(() => wheel.sweep(Date.now(), 5_000, (expired) => entries.delete(expired.key)), 1_000).unref();
 * ```
 */
export class ExpiryWheel<T extends WheelEntry<T>> {
  private readonly slots: (T | undefined)[] = Array.from({ length: SLOTS }, () => undefined);

  /** The last second whose slot was worked off. */
  private second: number;

  constructor(now: number) {
    this.second = Math.floor(now / 1000);
  }

  add(entry: T): void {
    const slot = (this.second + this.secondsUntil(entry)) % SLOTS;
    const first = this.slots[slot];
    entry.slot = slot;
    entry.previous = undefined;
    entry.next = first;
    if (first) first.previous = entry;
    this.slots[slot] = entry;
  }

  remove(entry: T): void {
    if (entry.previous) entry.previous.next = entry.next;
    else this.slots[entry.slot] = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    entry.previous = entry.next = undefined;
  }

  /** Call it after the end of an entry may have come nearer. It costs nothing when it did not. */
  reschedule(entry: T): void {
    const secondsUntilSlot = ((entry.slot - (this.second % SLOTS) - 1 + SLOTS) % SLOTS) + 1;
    if (this.secondsUntil(entry) >= secondsUntilSlot) return;
    this.remove(entry);
    this.add(entry);
  }

  /**
   * Takes out entries that expired up to `now`, looking at no more than `limit` entries. The next call goes on from
   * there. After the clock has jumped by days, a sweep costs one round of the ring.
   *
   * @param now ms since 1970
   * @param expire is called with each expired entry, which has left the wheel by then
   */
  sweep(now: number, limit: number, expire: (entry: T) => void): void {
    const target = Math.floor(now / 1000);
    if (target === this.second) return;
    // The clock was set back. Every slot still comes up within one round, and no later than its entries expire.
    if (target < this.second) this.second = target;
    this.second = Math.max(this.second, target - SLOTS);
    for (let examined = 0; this.second < target; this.second++) {
      const slot = (this.second + 1) % SLOTS;
      for (let entry = this.slots[slot]; entry; entry = this.slots[slot]) {
        if (examined++ >= limit) return;
        this.remove(entry);
        if (entry.expiresAt <= now) expire(entry);
        else this.add(entry);
      }
    }
  }

  private secondsUntil(entry: T): number {
    return Math.min(Math.max(Math.ceil(entry.expiresAt / 1000) - this.second, 1), SLOTS);
  }
}
