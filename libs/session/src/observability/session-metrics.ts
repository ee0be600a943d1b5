import type { Attributes, Histogram, MeterProvider } from '@opentelemetry/api';
import type { SessionEvents } from '../request/session-events.js';
import type { FinishedRequest, RequestEnd } from '../timing/session-request-record.js';
import { TIMING_PHASES } from '../timing/timing-phase.js';
import { NO_HANDLER, observeTotals, RequestTotals } from './request-totals.js';
import { type ObservedServer, observeServer } from './server-gauges.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** How requests fail, in few words: the label `error.type` of metrics, as in OpenTelemetry's semantic conventions. */
type RequestFailure = 'conflict' | 'unavailable' | 'client_error' | 'server_error' | 'client_gone';

/**
 * The labels of requests that failed. Those that did not fail, nearly all, have none: for each value with labels the
 * SDK sorts them and joins them into a text.
 */
const FAILURES: Readonly<Record<RequestFailure, Attributes>> = {
  conflict: { 'error.type': 'conflict' },
  unavailable: { 'error.type': 'unavailable' },
  client_error: { 'error.type': 'client_error' },
  server_error: { 'error.type': 'server_error' },
  client_gone: { 'error.type': 'client_gone' },
};

/** Shorter phases are only in the sums: recording each of the ten would cost more than most of them last. */
const SHORTEST_RECORDED_MS = 1;

/**
 * The metrics of one application. They last until `stop()`. Every label is bounded: names of handlers, phases,
 * failures, events, operations, the store and this server.
 */
export class SessionMetrics {
  private readonly duration: Histogram;
  private readonly phase: Histogram;
  private readonly size: Histogram;
  private readonly totals = new RequestTotals();
  private readonly phaseLabels = TIMING_PHASES.map((phase): Attributes => ({ 'session.phase': phase }));
  private readonly handlerLabels = new Map<string, Map<RequestFailure | undefined, Attributes>>();
  private readonly stops: (() => void)[];

  constructor(
    provider: MeterProvider,
    events: SessionEvents,
    server: ObservedServer,
    private readonly durationByHandler = false,
  ) {
    const { timings, gateway } = server;
    const node: Attributes = timings.node === undefined ? {} : { 'session.node': timings.node };
    const meter = provider.getMeter('nestjs-session-beans');
    this.duration = meter.createHistogram('session.request.duration', {
      unit: 's',
      description: 'Requests from their arrival to the end of their response, and, where they failed, how',
      advice: { explicitBucketBoundaries: SECONDS },
    });
    this.phase = meter.createHistogram('session.phase.duration', {
      unit: 's',
      description: 'Phases of requests that lasted 1 ms or longer; session.phase.time has all',
      advice: { explicitBucketBoundaries: SECONDS },
    });
    this.size = meter.createHistogram('session.size', {
      unit: 'By',
      description: 'Size of the session, at each request that has one',
      advice: { explicitBucketBoundaries: BYTES },
    });
    this.stops = [
      timings.listen((request) => this.record(request)),
      this.totals.countEvents(events),
      observeTotals(meter, node, this.totals, gateway.name),
      observeServer(meter, node, server),
    ];
  }

  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
  }

  private record(request: FinishedRequest): void {
    const { timing, end } = request;
    const { spent, facts } = timing;
    this.totals.add(request);
    this.duration.record(timing.totalMs / 1_000, this.labelsOf(facts.handler ?? NO_HANDLER, requestFailure(end)));
    for (let i = 0; i < spent.length; i++) {
      const ms = spent[i] as number;
      if (ms >= SHORTEST_RECORDED_MS) this.phase.record(ms / 1_000, this.phaseLabels[i]);
    }
    const { sessionBytes } = facts;
    if (sessionBytes > 0) this.size.record(sessionBytes);
  }

  /** The same objects each time: there are few, and none is made for a request. */
  private labelsOf(handler: string, failure: RequestFailure | undefined): Attributes | undefined {
    if (!this.durationByHandler) return failure && FAILURES[failure];
    let labels = this.handlerLabels.get(handler);
    if (!labels) this.handlerLabels.set(handler, (labels = new Map<RequestFailure | undefined, Attributes>()));
    let own = labels.get(failure);
    if (!own) labels.set(failure, (own = { 'session.handler': handler, ...(failure && FAILURES[failure]) }));
    return own;
  }
}

/** @returns undefined for a request that did not fail */
export function requestFailure({ status, isComplete }: RequestEnd): RequestFailure | undefined {
  if (!isComplete) return 'client_gone';
  if (status < 400) return undefined;
  if (status === 409) return 'conflict';
  if (status === 503) return 'unavailable';
  return status < 500 ? 'client_error' : 'server_error';
}
