import type { LiveSession } from './live-session.js';

/** What a live session takes without any state: itself, its maps, its stamps. Measured (see docs/near-cache.md), rounded up. */
const BYTES_OF_ONE = 2_000;
const BYTES_OF_A_PART = 400;

/**
 * How many bytes of heap a character of a payload stands for: the text itself, and the objects that were decoded from it, which take several times
 * as much.
 */
const BYTES_OF_A_CHARACTER = 6;

/** About what a live session that no request uses takes in the heap, in bytes, with the instances that were left in it. */
export function liveSessionBytes({ ground: { payloads } }: LiveSession): number {
  let bytes = BYTES_OF_ONE;
  for (const payload of payloads.values()) bytes += BYTES_OF_A_PART + BYTES_OF_A_CHARACTER * payload.length;
  return bytes;
}
