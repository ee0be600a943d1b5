import { FinishedRequest, type RequestEnd } from './session-request-record.js';
import type { Arrival } from './request-arrivals.js';
import { type PhaseTracer, RequestTiming } from './request-timing.js';
import { channel } from 'node:diagnostics_channel';

/** Measures the requests of one application, while somebody listens. */
export class RequestTimings {
  /** Runs what asks the store. Set at boot. */
  tracer: PhaseTracer | undefined;

  /** Responses say in `Server-Timing` where the time went. Set at boot. */
  tellsClients = false;

  private listeners: readonly ((request: FinishedRequest) => void)[] = [];
  private active = 0;

  constructor(
    /** Name of this server. */
    public node: string | undefined,
    private readonly onListenerError: (error: unknown) => void = () => undefined,
  ) {}

  /** Whether a request that begins now is measured: all that it costs where nobody listens. */
  get areWanted(): boolean {
    return this.listeners.length > 0 || requestChannel.hasSubscribers;
  }

  /** Measured requests that are under way. */
  get pending(): number {
    return this.active;
  }

  /**
   * Calls `listener` with each request of this application; the channel publishes those of all of the process.
   * @returns a function that stops it
   */
  listen(listener: (request: FinishedRequest) => void): () => void {
    this.listeners = [...this.listeners, listener];
    return () => {
      this.listeners = this.listeners.filter((one) => one !== listener);
    };
  }

  begin(arrival: Arrival): RequestTiming {
    const timing = new RequestTiming(arrival, Math.max(this.active, arrival.ahead), this.tracer);
    this.active++;
    return timing;
  }

  /**
   * Call once per request.
   * @param at when it was over, if that is known
   */
  finish(timing: RequestTiming, end: RequestEnd, at?: number): void {
    this.active--;
    timing.finish(at);
    const request = new FinishedRequest(timing, end, this.node);
    for (const listener of this.listeners) {
      try {
        listener(request);
      } catch (error) {
        this.onListenerError(error);
      }
    }
    if (requestChannel.hasSubscribers) requestChannel.publish(request.record);
  }
}

/** Where a SessionRequestRecord of each request is published. Requests are measured while it has subscribers. */
export const REQUEST_CHANNEL = 'nestjs-session-beans:request';

export const requestChannel = channel(REQUEST_CHANNEL);
