import type { Clock } from '../store/clock.js';

/**
 * A clock that stands still until it is moved.
 *
 * @example
 * const clock = new ManualClock();
 * const store = new MemorySessionStore({ clock });
 * clock.advance(30 * 60_000);
 */
export class ManualClock implements Clock {
  private time: number;

  /** @param start ms since 1970 */
  constructor(start: number = Date.UTC(2030, 0, 1)) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  /** Moves by so many ms; negative numbers set the clock back, as NTP does. */
  advance(ms: number): void {
    this.time += ms;
  }

  /** @param time ms since 1970 */
  set(time: number): void {
    this.time = time;
  }
}
