import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { SessionStoreError } from '../errors/session-store.error.js';
import { DROP_REASONS, IGNORED_REASONS, type SessionEventMap, type SessionEvents } from '../request/session-events.js';
import type { FinishedRequest } from '../timing/session-request-record.js';
import { TIMING_PHASES } from '../timing/timing-phase.js';

const EVENTS = [
  'created',
  'login',
  'renewed',
  'ended',
  'admissionRefused',
  'conflict',
  'undecodable',
  'notStored',
] as const satisfies readonly (keyof SessionEventMap)[];

const STORE_OPERATIONS: readonly SessionStoreError['operation'][] = [
  'load',
  'save',
  'touch',
  'destroy',
  'lock',
  'unlock',
];

/** Stands for the handler of requests that reached none: no route matched, or a middleware answered. */
export const NO_HANDLER = '(none)';

/**
 * Sums over the requests and sessions of this server since it started. They are kept here and read when metrics are
 * collected: each call of an SDK's counter costs about a microsecond.
 */
export class RequestTotals {
  /** Milliseconds per phase, in the order of TIMING_PHASES. */
  readonly spent = TIMING_PHASES.map(() => 0);
  readonly byHandler = new Map<string, { requests: number; ms: number }>();
  readonly cache = { hit: 0, validated: 0, miss: 0 };
  /** `lost` are the ended ones that nobody has ended. */
  readonly events = countsOf([...EVENTS, 'lost'] as const);
  readonly storeErrors = countsOf(STORE_OPERATIONS);
  readonly ignored = countsOf(IGNORED_REASONS);
  readonly dropped = countsOf(DROP_REASONS);
  requests = 0;
  conflicts = 0;
  retries = 0;
  misrouted = 0;

  add(request: FinishedRequest): void {
    const { facts, spent } = request.timing;
    const { spent: sums } = this;
    this.requests++;
    this.addToHandler(facts.handler ?? NO_HANDLER, request.timing.totalMs);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (spent[i] as number);
    if (facts.cache) this.cache[facts.cache]++;
    this.conflicts += facts.conflicts;
    this.retries += facts.retries;
    if (request.isMisrouted) this.misrouted++;
  }

  /** @returns a function that stops counting them */
  countEvents(events: SessionEvents): () => void {
    const stops = EVENTS.map((name) => events.on(name, () => countUp(this.events, name)));
    stops.push(events.on('ended', ({ reason }) => reason === 'lost' && countUp(this.events, 'lost')));
    stops.push(events.on('storeFailed', ({ operation }) => countUp(this.storeErrors, operation)));
    stops.push(events.on('ignored', ({ reason }) => countUp(this.ignored, reason)));
    stops.push(events.on('writeBehindDropped', ({ reason }) => countUp(this.dropped, reason)));
    return () => {
      for (const stop of stops) stop();
    };
  }

  private addToHandler(handler: string, ms: number): void {
    const sums = this.byHandler.get(handler);
    if (!sums) return void this.byHandler.set(handler, { requests: 1, ms });
    sums.requests++;
    sums.ms += ms;
  }
}

/** Every label is there from the start, with 0: a collector sees the first event as an increase. */
function countsOf(labels: readonly string[]): Map<string, number> {
  return new Map(labels.map((label) => [label, 0]));
}

function countUp(counts: Map<string, number>, label: string): void {
  counts.set(label, (counts.get(label) ?? 0) + 1);
}

/**
 * Adds the counters to the meter. They are read from the totals when metrics are collected.
 *
 * @param node labels that say which server it is
 * @param storeName label of failures of the store
 * @returns a function that removes them
 */
export function observeTotals(meter: Meter, node: Attributes, totals: RequestTotals, storeName: string): () => void {
  const counter = (name: string, description: string, unit = ''): Observable =>
    meter.createObservableCounter(name, { description, unit });
  const requests = counter('session.requests', 'Requests, also those without a session');
  const time = counter('session.phase.time', 'Time that requests spent in each phase', 's');
  const handled = counter('session.handler.requests', 'Requests of each handler');
  const handlerTime = counter('session.handler.time', 'Time that requests of each handler took', 's');
  const cache = counter('session.cache.requests', 'Sessions that were found: hit, validated or miss');
  const conflicts = counter('session.conflicts', 'Changes refused because another request had changed the same');
  const retries = counter('session.retries', 'Saves sent again because another server was quicker');
  const misrouted = counter('session.misrouted', 'Requests whose cookie named another server');
  const events = counter('session.events', 'What happened to sessions');
  const storeErrors = counter('session.store.errors', 'Calls of the store that failed');
  const ignored = counter('session.ignored', 'Requests without the session that their client may have, and why');
  const dropped = counter('session.write_behind.dropped', 'Changes with writeBehindMs that were not stored, and why');
  const all = [
    requests,
    time,
    handled,
    handlerTime,
    cache,
    conflicts,
    retries,
    misrouted,
    events,
    ignored,
    dropped,
    storeErrors,
  ];

  const observe = (result: BatchObservableResult): void => {
    const each = (
      observable: Observable,
      label: string,
      counts: Iterable<[string, number]>,
      labels: Attributes,
    ): void => {
      for (const [name, count] of counts) result.observe(observable, count, { ...labels, [label]: name });
    };
    result.observe(requests, totals.requests, node);
    each(
      time,
      'session.phase',
      TIMING_PHASES.map((phase, i) => [phase, (totals.spent[i] as number) / 1_000]),
      node,
    );
    for (const [handler, { requests: count, ms }] of totals.byHandler) {
      const labels = { ...node, 'session.handler': handler };
      result.observe(handled, count, labels);
      result.observe(handlerTime, ms / 1_000, labels);
    }
    each(cache, 'session.cache.result', Object.entries(totals.cache), node);
    result.observe(conflicts, totals.conflicts, node);
    result.observe(retries, totals.retries, node);
    result.observe(misrouted, totals.misrouted, node);
    each(events, 'session.event', totals.events, node);
    each(ignored, 'session.ignored.reason', totals.ignored, node);
    each(dropped, 'session.write_behind.reason', totals.dropped, node);
    each(storeErrors, 'session.store.operation', totals.storeErrors, { ...node, 'session.store.name': storeName });
  };
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
