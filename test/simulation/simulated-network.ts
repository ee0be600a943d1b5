import type { NetworkConditions } from './network-conditions.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/** Carries messages in one direction, and may delay, repeat, reorder or drop them. */
export class SimulatedNetwork {
  private readonly blocked = new Set<string>();
  private isCalm = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private conditions: NetworkConditions,
  ) {}

  /** From now on nothing gets from `from` to `to`. The other direction is not changed. */
  block(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`);
  }

  unblockAll(): void {
    this.blocked.clear();
  }

  /** Ends loss, repetition and delays as well. Messages that are late already never arrive. */
  calm(): void {
    this.isCalm = true;
    this.blocked.clear();
    this.conditions = { ...this.conditions, loss: 0, repeated: 0, late: 0, halved: 0 };
  }

  /** Whether the receiver is to handle only the first messages of a group. */
  halves(): boolean {
    return this.conditions.halved > 0 && this.random.chance(this.conditions.halved);
  }

  send(from: string, to: string, arrive: () => void): void {
    const { random, conditions } = this;
    if (this.blocked.has(`${from}>${to}`) || random.chance(conditions.loss)) return;
    this.deliver(from, to, random.chance(conditions.late) ? conditions.lateMs : conditions.maxDelayMs, arrive);
    if (random.chance(conditions.repeated)) this.deliver(from, to, conditions.lateMs, arrive);
  }

  private deliver(from: string, to: string, maxDelayMs: number, arrive: () => void): void {
    const { minDelayMs } = this.conditions;
    // Most messages are quick: squaring the random number makes slow ones rare.
    const delayMs = minDelayMs + this.random.next() ** 2 * (maxDelayMs - minDelayMs);
    this.time.after(delayMs, () => {
      // A partition also stops the messages that were in transit when it began.
      const isLost = this.blocked.has(`${from}>${to}`) || (this.isCalm && delayMs > this.conditions.maxDelayMs);
      if (!isLost) arrive();
    });
  }
}
