import { BalancedClient } from '../support/balanced-client.js';

/** A client that counts, one request after the other, and records what its session must contain. The test closes it. */
export class CountingClient extends BalancedClient {
  /** How many requests it has sent, and how many were answered with a number. */
  sent = 0;
  acknowledged = 0;

  /** The statuses of the other answers; 0 where the connection ended without an answer. */
  readonly failures: number[] = [];

  /** Numbers that did not go up, which means that an acknowledged update was lost. */
  readonly lost: string[] = [];

  /** The number in the last answer. */
  told = 0;

  async count(): Promise<void> {
    this.sent++;
    const { status, text } = await this.get('/count');
    const number = Number(/^counter=(\d+)$/.exec(text)?.[1]);
    if (status !== 200 || Number.isNaN(number)) {
      this.failures.push(status);
      return;
    }
    if (number <= this.told) this.lost.push(`${number} after ${this.told}`);
    this.told = number;
    this.acknowledged++;
  }

  /** Counts until it has received `times` more numbers. @throws Error when that takes longer than any fault lasts */
  async countUp(times: number): Promise<void> {
    const goal = this.acknowledged + times;
    const end = performance.now() + 60_000;
    while (this.acknowledged < goal) {
      if (performance.now() > end) {
        const owners = this.locator.slice(0, 2).join(', ');
        throw new Error(
          `told ${this.acknowledged} of ${goal} numbers, by ${owners}; last: ${this.failures.slice(-3).join()}`,
        );
      }
      await this.count();
    }
  }
}
