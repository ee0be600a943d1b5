import { type Clock, systemClock } from '../clock.js';

/** Bounds of a `MemorySessionStore`. A field that is left out has the default written here. */
export class MemorySessionStoreOptions {
  /** Sessions kept at most; 1 to 16,000,000. When it is reached, new sessions are refused, living ones go on. */
  readonly maxSessions?: number = 100_000;

  /**
   * Bytes kept at most, counted as 2 per UTF-16 unit of names and payloads plus fixed amounts per session and part
   * (`session-bytes.ts`). New sessions are refused from 90 % of it, so that living ones have room to grow.
   */
  readonly maxBytes?: number = 256 * 1024 * 1024;

  /** Where the time comes from; a test hands in a clock it can move. */
  readonly clock?: Clock = systemClock;
}
