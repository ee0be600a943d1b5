import type { SessionEventMap, SessionEvents } from '../request/session-events.js';
import type { SessionStoreError } from '../errors/session-store.error.js';
import type { FinishedRequest } from '../timing/finished-request.js';
import { TIMING_PHASES } from '../timing/timing-phase.js';
import { Tally } from './tally.js';

const EVENTS: readonly (keyof SessionEventMap)[] = [
  'started',
  'renewed',
  'invalidated',
  'lost',
  'conflict',
  'undecodable',
  'notStored',
];

const STORE_OPERATIONS: readonly SessionStoreError['operation'][] = [
  'load',
  'save',
  'touch',
  'destroy',
  'lock',
  'unlock',
];

/** Of requests that reached none: no route was theirs, or a middleware answered. */
export const NO_HANDLER = '(none)';

/** What requests and sessions of this server came to since it started. Kept here rather than counted by an SDK, whose every call costs about a microsecond. */
export class RequestTotals {
  /** Milliseconds per phase, in the order of TIMING_PHASES. */
  readonly spent = TIMING_PHASES.map(() => 0);
  readonly byHandler = new Map<string, { requests: number; ms: number }>();
  readonly cache = { hit: 0, validated: 0, miss: 0 };
  readonly events = new Tally(EVENTS);
  readonly storeErrors = new Tally(STORE_OPERATIONS);
  requests = 0;
  conflicts = 0;
  retries = 0;
  misrouted = 0;

  add(request: FinishedRequest): void {
    const { facts, spent } = request.timing;
    const { spent: sums } = this;
    this.requests++;
    this.handled(facts.handler ?? NO_HANDLER, request.timing.totalMs);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (spent[i] as number);
    if (facts.cache) this.cache[facts.cache]++;
    this.conflicts += facts.conflicts;
    this.retries += facts.retries;
    if (request.isMisrouted) this.misrouted++;
  }

  private handled(handler: string, ms: number): void {
    const sums = this.byHandler.get(handler);
    if (!sums) return void this.byHandler.set(handler, { requests: 1, ms });
    sums.requests++;
    sums.ms += ms;
  }

  /** @returns a function that stops counting them */
  countEvents(events: SessionEvents): () => void {
    const stops = EVENTS.map((name) => events.on(name, () => this.events.add(name)));
    stops.push(events.on('storeFailed', ({ operation }) => this.storeErrors.add(operation)));
    return () => {
      for (const stop of stops) stop();
    };
  }
}
