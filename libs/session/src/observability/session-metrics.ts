import type { Attributes, Histogram, MeterProvider } from '@opentelemetry/api';
import type { SessionEvents } from '../request/session-events.js';
import type { RequestTimings } from '../timing/request-timings.js';
import type { FinishedRequest } from '../timing/finished-request.js';
import { TIMING_PHASES } from '../timing/timing-phase.js';
import { observeTotals } from './observe-totals.js';
import { observeVitals, type ObservedServer } from './observe-vitals.js';
import { type RequestFailure, requestFailure } from './request-failure.js';
import { NO_HANDLER, RequestTotals } from './request-totals.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304];

/** A label makes the SDK sort and join the labels into a text at every record: those that do not fail, nearly all, have none. */
const FAILURES: Readonly<Record<RequestFailure, Attributes>> = {
  conflict: { 'error.type': 'conflict' },
  unavailable: { 'error.type': 'unavailable' },
  client_error: { 'error.type': 'client_error' },
  server_error: { 'error.type': 'server_error' },
  client_gone: { 'error.type': 'client_gone' },
};

/** Shorter phases are in the sums only: to record each of the ten in a histogram would cost more than most of them last. */
const SHORTEST_RECORDED_MS = 1;

/**
 * The metrics of one application. Every label is bounded: names of handlers, phases, failures, events, operations, the store and this server.
 * Stop it.
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
    timings: RequestTimings,
    events: SessionEvents,
    server: ObservedServer,
    private readonly durationByHandler = false,
  ) {
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
      observeTotals(meter, this.totals, timings, server.gateway.name),
      observeVitals(meter, timings, server),
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
