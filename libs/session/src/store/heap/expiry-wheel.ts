/** What an {@link ExpiryWheel} holds. The last three fields belong to the wheel: it links its entries through them. */
export interface WheelEntry<T> {
  /** Ms since 1970. May move later at any time; who moves it earlier calls {@link ExpiryWheel.reschedule}. */
  readonly expiresAt: number;

  slot: number;
  previous: T | undefined;
  next: T | undefined;
}

const SLOTS = 4096;

/**
 * Finds what has expired without a timer per entry and without ever looking at all entries at once.
 *
 * A ring of 4096 slots of one second; an entry waits in the slot of the second in which it expires, at most one round
 * ahead. When a slot comes up, its entries are looked at: expired ones are handed out, the others (prolonged since, or more than a
 * round away) are put where they belong now. So prolonging an entry costs nothing until its old slot comes up.
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

  /** Call after the end of an entry may have come nearer; costs nothing if it did not. */
  reschedule(entry: T): void {
    const secondsUntilSlot = ((entry.slot - (this.second % SLOTS) - 1 + SLOTS) % SLOTS) + 1;
    if (this.secondsUntil(entry) >= secondsUntilSlot) return;
    this.remove(entry);
    this.add(entry);
  }

  /**
   * Takes out what expired up to `now`, looking at no more than `limit` entries; the next call goes on from there. A clock
   * that jumped by days costs one round of the ring.
   *
   * @param expire is called with each expired entry, which has left the wheel by then.
   */
  sweep(now: number, limit: number, expire: (entry: T) => void): void {
    const target = Math.floor(now / 1000);
    if (target === this.second) return;
    // Set back: every slot still comes up within one round, and no later than its entries expire.
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
