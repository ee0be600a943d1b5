import type { SessionKey } from 'nestjs-session-beans/store-kit';

/**
 * The sessions that this member took over or learned the end of, in that order. A member that was cut off meanwhile may
 * have gone on with some of them, and is told of these when it is back. Above the limit the oldest are forgotten.
 */
export class NewsLog {
  private keys: SessionKey[] = [];

  /** Position of the first key that is remembered. */
  private first = 0;

  constructor(private readonly limit: number) {}

  /** Position behind the last key. */
  get end(): number {
    return this.first + this.keys.length;
  }

  add(key: SessionKey): void {
    this.keys.push(key);
    if (this.keys.length >= 2 * this.limit) this.forgetBefore(this.end - this.limit);
  }

  /** Up to `count` keys from this position on, and the position behind them. */
  from(position: number, count: number): { readonly keys: readonly SessionKey[]; readonly next: number } {
    const at = Math.max(0, position - this.first);
    const keys = this.keys.slice(at, at + count);
    return { keys, next: this.first + at + keys.length };
  }

  forgetBefore(position: number): void {
    const count = Math.min(position - this.first, this.keys.length);
    if (count <= 0) return;
    this.keys = this.keys.slice(count);
    this.first += count;
  }
}
