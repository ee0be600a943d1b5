import type { SessionEventMap, SessionEvents } from '../context/session-events.js';
import type { SessionRequestRecord } from '../timing/session-request-record.js';
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

/** What requests and sessions of this server came to since it started. Kept here rather than counted by an SDK, whose every call costs about a microsecond. */
export class RequestTotals {
  /** Seconds per phase, in the order of TIMING_PHASES. */
  readonly spent = TIMING_PHASES.map(() => 0);
  readonly cache = new Tally();
  readonly events = new Tally();
  readonly storeErrors = new Tally();
  requests = 0;
  conflicts = 0;
  retries = 0;
  misrouted = 0;

  add({ phases, cache, conflicts, retries, isMisrouted }: SessionRequestRecord): void {
    const { spent } = this;
    this.requests++;
    for (let i = 0; i < spent.length; i++) spent[i] = (spent[i] as number) + phases[TIMING_PHASES[i] as 'queue'];
    if (cache) this.cache.add(cache);
    this.conflicts += conflicts;
    this.retries += retries;
    if (isMisrouted) this.misrouted++;
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
