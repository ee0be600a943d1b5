import type { Server } from 'node:net';
import type { BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import type { LiveSessions } from '../live/live-sessions.js';
import type { NearCache } from '../live/near-cache.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { RequestTimings } from '../timing/request-timings.js';
import { EventLoopDelay } from './event-loop-delay.js';
import { nodeLabels } from './node-labels.js';

export interface ObservedServer {
  readonly gateway: StoreGateway;
  readonly liveSessions: LiveSessions;
  readonly nearCache: NearCache | undefined;

  /** Whose connections are counted. */
  readonly listener: Partial<Pick<Server, 'getConnections'>> | undefined;
}

/**
 * Gauges, asked for when metrics are collected. The event loop is measured from one collection to the next.
 * @returns a function that stops it
 */
export function observeVitals(meter: Meter, timings: RequestTimings, server: ObservedServer): () => void {
  const { gateway, liveSessions, nearCache, listener } = server;
  const gauge = (name: string, description: string, unit = ''): Observable =>
    meter.createObservableGauge(name, { description, unit });
  const live = gauge('session.live', 'Sessions of which this server has a live copy');
  const cached = gauge('session.near_cache.sessions', 'Sessions that the near cache keeps without a request');
  const cachedBytes = gauge('session.near_cache.size', 'Estimated heap that the near cache takes', 'By');
  const active = gauge('session.requests.active', 'Requests under way: the stand-in for the length of a queue');
  const connections = gauge('session.connections', 'Open connections of the server');
  const delay = gauge('session.event_loop.delay', 'How late the event loop was since the last collection', 's');
  const busy = gauge('session.event_loop.utilization', 'Share of the time that the event loop was busy', '1');
  const figures = gauge('session.store.figure', 'What the store tells of itself');
  const all = [live, figures, cached, cachedBytes, active, connections, delay, busy];
  const eventLoop = new EventLoopDelay();

  const observe = async (result: BatchObservableResult): Promise<void> => {
    const node = nodeLabels(timings);
    result.observe(live, liveSessions.size, { ...node, 'session.store.name': gateway.name });
    if (nearCache) {
      result.observe(cached, nearCache.size, node);
      result.observe(cachedBytes, nearCache.bytes, node);
    }
    for (const [name, figure] of Object.entries(gateway.figures()))
      result.observe(figures, figure, { ...node, 'session.store.name': gateway.name, 'session.store.figure': name });
    result.observe(active, timings.pending, node);
    const { utilization, ...delays } = eventLoop.take();
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
