import type { NetworkWeather } from './network-weather.js';
import type { SeededRandom } from './seeded-random.js';
import type { VirtualTime } from './virtual-time.js';

/** Carries messages one way: late, twice, in another order, or not at all. */
export class SimulatedNetwork {
  private readonly blocked = new Set<string>();
  private isCalm = false;

  constructor(
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
    private weather: NetworkWeather,
  ) {}

  /** From now on nothing gets from one to the other; the way back stays as it is. */
  block(from: string, to: string): void {
    this.blocked.add(`${from}>${to}`);
  }

  unblockAll(): void {
    this.blocked.clear();
  }

  /** Ends loss, repetition and lateness, too; what is late now never comes. */
  calm(): void {
    this.isCalm = true;
    this.blocked.clear();
    this.weather = { ...this.weather, loss: 0, repeated: 0, late: 0 };
  }

  send(from: string, to: string, arrive: () => void): void {
    const { random, weather } = this;
    if (this.blocked.has(`${from}>${to}`) || random.chance(weather.loss)) return;
    this.deliver(from, to, random.chance(weather.late) ? weather.lateMs : weather.maxDelayMs, arrive);
    if (random.chance(weather.repeated)) this.deliver(from, to, weather.lateMs, arrive);
  }

  private deliver(from: string, to: string, maxDelayMs: number, arrive: () => void): void {
    const { minDelayMs } = this.weather;
    // Most are quick; the square makes the slow ones rare.
    const delayMs = minDelayMs + this.random.next() ** 2 * (maxDelayMs - minDelayMs);
    this.time.after(delayMs, () => {
      // What is under way when a partition begins does not arrive either.
      const isLost = this.blocked.has(`${from}>${to}`) || (this.isCalm && delayMs > this.weather.maxDelayMs);
      if (!isLost) arrive();
    });
  }
}
