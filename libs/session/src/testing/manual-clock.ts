import type { Clock } from '../store/clock.js';

/**
 * A clock for tests that stands still until it is moved.
 *
 * @example
 * const clock = new ManualClock();
 * Test.createTestingModule({ imports: [AppModule] }).overrideProvider(SESSION_CLOCK).useValue(clock);
 * clock.advance(30 * 60_000);
 */
export class ManualClock implements Clock {
  private time: number;

  /** @param start ms since 1970 */
  constructor(start: number = Date.UTC(2030, 0, 1)) {
    this.time = start;
  }

  /** The time it was set to, in ms since 1970. */
  now(): number {
    return this.time;
  }

  /** Moves the clock by this many ms. A negative number sets it back, as NTP may do. */
  advance(ms: number): void {
    this.time += ms;
  }

  /**
   * Sets the clock.
   *
   * @param time ms since 1970
   */
  set(time: number): void {
    this.time = time;
  }
}
