import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { EventLoopPulse } from './event-loop-pulse.js';

/** When Node had read the head of a request, before any framework saw it. */
export interface Arrival {
  /** By `performance.now()`, in ms. */
  readonly at: number;

  /** How late the event loop was then, in ms. */
  readonly delay: number;
}

const NODE_CHANNEL = 'http.server.request.start';
const ARRIVAL = Symbol('nestjs-session-beans:arrival');
type Arriving = IncomingMessage & { [ARRIVAL]?: Arrival };

const noteArrival = (message: unknown): void => {
  (message as { request: Arriving }).request[ARRIVAL] = arrivalNow();
};

/** One for the process, as there is one event loop. */
export const eventLoopPulse = new EventLoopPulse((isBeating) => {
  if (isBeating) subscribe(NODE_CHANNEL, noteArrival);
  else unsubscribe(NODE_CHANNEL, noteArrival);
});

/** When the request arrived; now, if nobody listened then. */
export function arrivalOf(request: IncomingMessage): Arrival {
  const arrival = (request as Arriving)[ARRIVAL] ?? arrivalNow();
  eventLoopPulse.keep(arrival.at);
  return arrival;
}

function arrivalNow(): Arrival {
  const at = performance.now();
  return { at, delay: eventLoopPulse.delay(at) };
}
