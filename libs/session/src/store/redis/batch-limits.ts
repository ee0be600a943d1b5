/** The most calls in one batch. A batch is one step of the server, for which all other clients wait. */
const MAX_CALLS = 16;

/**
 * The most that one batch may carry: characters of its arguments, and bytes of its answers. The session that passes the
 * limit is still in.
 */
export const MAX_BATCH_SIZE = 256 * 1024;

/** After so many bad batches there are no more, if each came within this time of the one before. */
const MAX_BAD_BATCHES = 5;
const BAD_BATCHES_WITHIN_MS = 60_000;

/** How many calls fit into one batch, by the answers to earlier ones; and whether batches work at all. */
export class BatchLimits {
  /** The number of calls whose answers fitted lately; 1 when not even two did. */
  private fitting = MAX_CALLS;
  private badBatches = 0;
  private lastBadAt = 0;

  /** @param onSwitchedOff is called once, when there are no more batches from now on */
  constructor(private readonly onSwitchedOff: () => void) {}

  /** The number of calls that the next batch may have; 1 for no batch. */
  get mostCalls(): number {
    return this.badBatches >= MAX_BAD_BATCHES ? 1 : this.fitting;
  }

  /** Lets batches begin again once an answer is so small that two of them fit. */
  noteLoneAnswer(bytes: number): void {
    if (this.fitting === 1 && bytes < MAX_BATCH_SIZE / 2) this.fitting = 2;
  }

  /** @param answered how many of the calls were answered before the answers became too large */
  noteBatch(calls: number, answered: number): void {
    if (answered < calls) this.fitting = Math.max(1, answered);
    else if (answered === this.fitting && answered < MAX_CALLS) this.fitting++;
  }

  /** A bad batch failed, or did not find a session, where the call alone succeeds. */
  noteBadBatch(): void {
    const now = performance.now();
    this.badBatches = now - this.lastBadAt < BAD_BATCHES_WITHIN_MS ? this.badBatches + 1 : 1;
    this.lastBadAt = now;
    if (this.badBatches === MAX_BAD_BATCHES) this.onSwitchedOff();
  }
}
