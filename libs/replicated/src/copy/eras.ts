import type { SessionState } from './session-state.js';
import { isTombstone, type Tombstone } from './tombstone.js';

/**
 * Tells which sessions are over because all sessions were ended. Each session carries the number of the era in which
 * it began. A time would not do: when a session began is told by the clock of the member that has it, and moves by the
 * time on the way whenever the session moves.
 *
 * [M7] The number only grows, and members tell it each other with every ping. So a member that was away learns of it
 * with the first answer that it gets.
 */
export class Eras {
  /** All eras up to this one are over; 0 while all sessions were never ended. */
  over = 0;

  /** The era of a session that begins now. */
  get current(): number {
    return this.over + 1;
  }

  /** Another member says that all eras up to this one are over. */
  raise(over: number): void {
    this.over = Math.max(this.over, over);
  }

  /**
   * Ends the present era.
   *
   * @param now ms since 1970. Of two members that cannot hear each other, the one that ends its sessions later has the
   * greater number, if their clocks agree. Otherwise too many sessions may be over, or too few of those that began on
   * the other side of the split.
   */
  end(now: number): number {
    this.raise(Math.max(this.current, Math.floor(now)));
    return this.over;
  }

  hasEnded(state: SessionState | Tombstone): boolean {
    return !isTombstone(state) && state.era <= this.over;
  }
}
