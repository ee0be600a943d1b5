import { SILENCE_MS } from './wire-limits.js';

/**
 * How long nothing has been heard on a connection although an answer is due. After a while it is better to make a new one: the network may hold an
 * old one back long after it has healed, or what is on it was damaged so that it never goes on.
 */
export class Silence {
  /** When the first call was sent that nothing has been heard after. */
  private since: number | undefined;

  sent(): void {
    this.since ??= performance.now();
  }

  heard(): void {
    this.since = undefined;
  }

  /** Ask it when somebody has waited for an answer in vain. */
  get isTooLong(): boolean {
    return this.since !== undefined && performance.now() - this.since > SILENCE_MS;
  }
}
