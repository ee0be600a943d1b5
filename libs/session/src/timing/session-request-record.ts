import type { TimingPhase } from './timing-phase.js';

/**
 * Where the time of one request went: published once, when its response is over or its client has left. Holds no session id, no path and nothing
 * else that a client chose, except `requestId`.
 */
export interface SessionRequestRecord {
  /** Name of this server. */
  readonly nodeName: string | undefined;

  /** `CountController.count`; undefined where none was found (404), or an enhancer in front of the session's guard answered. */
  readonly handler: string | undefined;

  readonly method: string;
  readonly status: number;

  /** The response was sent to its end. False: the client left before. */
  readonly isComplete: boolean;

  /** Header `X-Request-Id`, as a balancer sets it: up to 36 letters, digits and dashes; anything else counts as none. */
  readonly requestId: string | undefined;

  /** The 8-character hash of the session, undefined where there is none. */
  readonly session: string | undefined;

  /** When it arrived, in ms since 1970 by the clock of this server. */
  readonly startedAt: number;

  /** The estimated time in the queue and all that was measured: the sum of the phases. */
  readonly durationSeconds: number;

  /** What each phase took. */
  readonly phaseSeconds: Readonly<Record<TimingPhase, number>>;

  /** Requests that were ahead of it when it arrived, under way or read in the same turn of the event loop: the stand-in for a queue's length. */
  readonly pending: number;

  /** UTF-8 bytes: of the session, of what was loaded of it from the store, and of the parts that were stored. */
  readonly bytes: { readonly session: number; readonly loaded: number; readonly saved: number };

  /** Stored name of the largest part of the session. */
  readonly largestBean: string | undefined;

  /** Stored names. */
  readonly touched: readonly string[];
  readonly changed: readonly string[];

  /** `hit`: served from this server, unasked. `validated`: the store said that this server had the newest. `miss`: loaded. */
  readonly cache: 'hit' | 'validated' | 'miss' | undefined;

  /** Changes that were refused because another request had changed the same. */
  readonly conflicts: number;

  /** How often a save was sent again because another server was quicker. */
  readonly retries: number;

  /** What the client brought: no id, an id alone, one with the route of a server, or with a primary and its backup. */
  readonly locator: 'none' | 'id' | 'route' | 'primary-backup';

  /** It named another server than this one first: the balancer did not follow it, or could not. */
  readonly isMisrouted: boolean;

  /** Calls that the handler made, by name: how many, and how long each took, summed, in seconds. They may have overlapped. */
  readonly downstream: readonly { readonly name: string; readonly calls: number; readonly seconds: number }[];
}
