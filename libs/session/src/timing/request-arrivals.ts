import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { performance } from 'node:perf_hooks';
import { EventLoopPulse } from './event-loop-pulse.js';

/** When Node had read the head of a request, before any framework saw it. */
export interface Arrival {
  /** By `performance.now()`, in ms. */
  readonly at: number;

  /** How long it may have waited in its socket until then, in ms, at most. */
  readonly delay: number;

  /** Requests that were read before it in the same turn of the event loop. */
  readonly ahead: number;
}

const STARTS = 'http.server.request.start';
const ENDS = 'http.server.response.finish';
const ARRIVAL = Symbol('nestjs-session-beans:arrival');
const ANSWERED = Symbol('nestjs-session-beans:answered');

type Arriving = IncomingMessage & { [ARRIVAL]?: Arrival; [ANSWERED]?: number; socket: Connection };
type Connection = IncomingMessage['socket'] & { [ANSWERED]?: number };

let readInThisTurn = 0;

const noteArrival = (message: unknown): void => {
  const { request } = message as { request: Arriving };
  request[ARRIVAL] = arrivalNow(request.socket[ANSWERED]);
};

const noteAnswer = (message: unknown): void => {
  const { request } = message as { request: Arriving };
  request.socket[ANSWERED] = request[ANSWERED] = performance.now();
};

const turnIsOver = (): void => {
  readInThisTurn = 0;
};

/** One for the process, as there is one event loop. */
export const eventLoopPulse = new EventLoopPulse((isBeating) => {
  const change = isBeating ? subscribe : unsubscribe;
  change(STARTS, noteArrival);
  change(ENDS, noteAnswer);
});

/** When the request arrived; now, if nobody listened then. */
export function arrivalOf(request: IncomingMessage): Arrival {
  const arrival = (request as Arriving)[ARRIVAL] ?? arrivalNow();
  eventLoopPulse.keep(arrival.at);
  return arrival;
}

/** When Node had handed the whole answer to the system; undefined when it has not, or nobody listened. */
export function answeredAt(request: IncomingMessage): number | undefined {
  return (request as Arriving)[ANSWERED];
}

/** @param answered when the answer to the request before it on its connection was sent */
function arrivalNow(answered?: number): Arrival {
  const at = performance.now();
  if (readInThisTurn === 0) setImmediate(turnIsOver);
  // A client sends its next request after the answer to the one before: it cannot have waited longer than since then.
  const delay = eventLoopPulse.delay(at);
  return { at, delay: answered === undefined ? delay : Math.min(delay, at - answered), ahead: readInThisTurn++ };
}
