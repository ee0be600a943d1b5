import type { Redis } from 'ioredis';
import { TrackingPair, type TrackingPairSetup } from './tracking-pair.js';

/** The server, or what stands before it, cannot do it or does not allow it: asking again soon is of no use. */
const REFUSED = /^NOPERM|unknown|syntax|wrong number|not supported|unsupported|not allowed|disabled/i;
const REFUSED_RETRY_MS = 60_000;
const RETRY_MS = 50;
const MAX_RETRY_MS = 1_000;

/** A pair that has lived for so long was a good one. */
const GOOD_MS = 1_000;

/** After so many bad ones somebody should look. */
const BAD_PAIRS = 10;

/** Sees to it that there is a pair to one primary, and a new one soon after it is over. Nothing is printed, and nobody waits for it. */
export class TrackedPrimary {
  private pair: TrackingPair | undefined;
  private badPairs = 0;
  private retry: NodeJS.Timeout | undefined;

  constructor(
    private readonly setup: TrackingPairSetup,
    private readonly onEnd: (reason: Error) => void,
    private readonly warn: (warning: string) => void,
  ) {
    this.open();
  }

  get node(): Redis {
    return this.setup.node;
  }

  /** The pair, if sessions can be loaded and saved on it now. */
  get armed(): TrackingPair | undefined {
    return this.pair?.isArmed ? this.pair : undefined;
  }

  close(): void {
    clearTimeout(this.retry);
    this.pair?.close();
  }

  private open(): void {
    const openedAt = performance.now();
    this.pair = new TrackingPair(this.setup, (reason) => {
      const isRefused = reason.name === 'ReplyError' && REFUSED.test(reason.message);
      this.badPairs = performance.now() - openedAt > GOOD_MS && !isRefused ? 1 : this.badPairs + 1;
      if (isRefused) {
        this.warn(
          `the near cache works in mode validate until Redis lets this application follow changes: it needs CLIENT TRACKING with ` +
            `REDIRECT, and SUBSCRIBE to the channel __redis__:invalidate: ${reason.message}`,
        );
      } else if (this.badPairs === BAD_PAIRS) {
        this.warn(
          `the near cache works in mode validate: its connections to Redis do not last, trying again: ${reason.message}`,
        );
      }
      const backOffMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (this.badPairs - 1));
      this.retry = setTimeout(() => this.open(), isRefused ? REFUSED_RETRY_MS : backOffMs).unref();
      this.onEnd(reason);
    });
  }
}
