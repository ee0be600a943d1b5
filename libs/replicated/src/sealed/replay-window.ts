/** How far a text may fall behind the newest one, in sequence numbers. */
const SIZE = 1_024;

/** Lets each sequence number pass once; numbers may come in any order as long as they are not older than the window is wide. */
export class ReplayWindow {
  /** The number that was let through last at each place of the ring. */
  private readonly seen = new Float64Array(SIZE).fill(-1);
  private newest = -1;

  /** Call it only for what is authentic. @returns whether the number is new */
  admit(sequence: number): boolean {
    if (sequence <= this.newest - SIZE) return false;
    const place = sequence % SIZE;
    if (this.seen[place] === sequence) return false;
    this.seen[place] = sequence;
    this.newest = Math.max(this.newest, sequence);
    return true;
  }
}
