import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { RequestTimings } from '../timing/request-timings.js';
import { TIMING_PHASES } from '../timing/timing-phase.js';
import { nodeLabels } from './node-labels.js';
import type { RequestTotals } from './request-totals.js';

/**
 * Counters, asked for when metrics are collected.
 * @returns a function that stops it
 */
export function observeTotals(
  meter: Meter,
  totals: RequestTotals,
  timings: RequestTimings,
  storeName: string,
): () => void {
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
  const all = [requests, time, handled, handlerTime, cache, conflicts, retries, misrouted, events, storeErrors];

  const observe = (result: BatchObservableResult): void => {
    const node = nodeLabels(timings);
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
    const store = { ...node, 'session.store.name': storeName };
    each(storeErrors, 'session.store.operation', totals.storeErrors, store);
  };
  meter.addBatchObservableCallback(observe, all);
  return () => meter.removeBatchObservableCallback(observe, all);
}
