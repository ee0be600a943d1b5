import type { Server } from 'node:net';
import { type EventLoopUtilization, type IntervalHistogram, monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Attributes, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { LiveSessions } from '../live/live-sessions.js';
import type { NearCache } from '../live/near-cache.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { RequestTimings } from '../timing/request-timings.js';

/** What the gauges are read from. */
export interface ObservedServer {
  readonly gateway: StoreGateway;
  readonly liveSessions: LiveSessions;
  readonly nearCache: NearCache | undefined;
  readonly timings: RequestTimings;

  /** The HTTP server, whose connections are counted; undefined in an application without one. */
  readonly listener: Partial<Pick<Server, 'getConnections'>> | undefined;
}

/**
 * Adds the gauges to the meter: state of this server that is read when metrics are collected.
 *
 * @param node labels that say which server it is
 * @returns a function that removes them
 */
export function observeServer(meter: Meter, node: Attributes, server: ObservedServer): () => void {
  const { gateway, liveSessions, nearCache, timings, listener } = server;
  const gauge = (name: string, description: string, unit = ''): Observable =>
    meter.createObservableGauge(name, { description, unit });
  const live = gauge('session.live', 'Sessions of which this server has a live copy');
  const waiting = gauge('session.write_behind.sessions', 'Sessions with changes that wait to be stored');
  const cached = gauge('session.near_cache.sessions', 'Sessions that the near cache keeps without a request');
  const cachedBytes = gauge('session.near_cache.size', 'Estimated heap that the near cache takes', 'By');
  const active = gauge('session.requests.active', 'Requests under way: the stand-in for the length of a queue');
  const connections = gauge('session.connections', 'Open connections of the server');
  const delay = gauge('session.event_loop.delay', 'How late the event loop was since the last collection', 's');
  const busy = gauge('session.event_loop.utilization', 'Share of the time that the event loop was busy', '1');
  const figures = gauge('session.store.figure', 'What the store tells of itself');
  const filled = gauge('session.store.filled', 'Share of the bounds of the store that is in use', '1');
  const all = [live, waiting, figures, filled, cached, cachedBytes, active, connections, delay, busy];
  const store = { ...node, 'session.store.name': gateway.name };
  const eventLoop = new EventLoopDelay();

  const observe = async (result: BatchObservableResult): Promise<void> => {
    result.observe(live, liveSessions.size, store);
    result.observe(waiting, liveSessions.writeBehind.size, node);
    if (nearCache) {
      result.observe(cached, nearCache.size, node);
      result.observe(cachedBytes, nearCache.bytes, node);
    }
    for (const [name, figure] of Object.entries(gateway.figures()))
      result.observe(figures, figure, { ...store, 'session.store.figure': name });
    const share = gateway.filled;
    if (share !== undefined) result.observe(filled, share, store);
    result.observe(active, timings.pending, node);
    const { utilization, ...delays } = eventLoop.sinceLastCall();
    for (const [quantile, seconds] of Object.entries(delays))
      result.observe(delay, seconds, { ...node, 'session.quantile': quantile });
    result.observe(busy, utilization, node);
    const open = await connectionsOf(listener);
    if (open !== undefined) result.observe(connections, open, node);
  };
  meter.addBatchObservableCallback(observe, all);
  return () => {
    meter.removeBatchObservableCallback(observe, all);
    eventLoop.stop();
  };
}

function connectionsOf(listener: ObservedServer['listener']): Promise<number | undefined> {
  if (typeof listener?.getConnections !== 'function') return Promise.resolve(undefined);
  return new Promise((resolve) => listener.getConnections?.((error, count) => resolve(error ? undefined : count)));
}

const RESOLUTION_MS = 10;

/** Measures how late the event loop is, and how busy, from one call to the next. */
class EventLoopDelay {
  private readonly histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private before: EventLoopUtilization = performance.eventLoopUtilization();

  constructor() {
    this.histogram.enable();
  }

  /** The lateness in seconds, by quantile, and the share of the time that the event loop was busy, 0 to 1. */
  sinceLastCall(): { readonly p50: number; readonly p99: number; readonly max: number; readonly utilization: number } {
    const { histogram } = this;
    const { utilization } = performance.eventLoopUtilization(this.before);
    this.before = performance.eventLoopUtilization();
    const isEmpty = histogram.count === 0;
    const [p50, p99] = [lateness(histogram.percentile(50)), lateness(histogram.percentile(99))];
    const max = lateness(histogram.max);
    histogram.reset();
    return isEmpty ? { p50: 0, p99: 0, max: 0, utilization } : { p50, p99, max, utilization };
  }

  stop(): void {
    this.histogram.disable();
  }
}

/** Seconds. Node measures from beat to beat, in ns: the 10 ms between two beats are no delay. */
function lateness(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}
