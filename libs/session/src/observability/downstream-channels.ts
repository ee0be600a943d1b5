import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestTiming } from '../timing/request-timing.js';
import { hostOf } from './host-of.js';

type Listener = (message: unknown) => void;

/** Starts and ends of calls, by what the messages of both have in common. */
interface CallEvents {
  readonly starts: string;
  readonly ends: readonly string[];
  readonly operationOf: (message: unknown) => object | undefined;
  readonly nameOf: (operation: object) => string;
}

const request = (message: unknown): object | undefined => (message as { request?: object }).request;

const HTTP: CallEvents = {
  starts: 'http.client.request.start',
  ends: ['http.client.response.finish', 'http.client.request.error'],
  operationOf: request,
  nameOf: (operation) => hostOf((operation as { host?: unknown }).host),
};

const FETCH: CallEvents = {
  starts: 'undici:request:create',
  ends: ['undici:request:trailers', 'undici:request:error'],
  operationOf: request,
  nameOf: (operation) => hostOf((operation as { origin?: unknown }).origin),
};

/** Of a TracingChannel: the operation is the object that all its messages are. It may fail before it becomes a promise. */
const traced = (name: string): CallEvents => ({
  starts: `tracing:${name}:start`,
  ends: [`tracing:${name}:asyncEnd`, `tracing:${name}:error`],
  operationOf: (message) => message as object,
  nameOf: () => name.split(':', 1)[0] ?? name,
});

/**
 * Sees the calls that a request makes: those that Node, its `fetch` and libraries announce on diagnostics channels. Stop it.
 */
export class DownstreamChannels {
  private readonly calls = new WeakMap<object, () => void>();
  private readonly subscriptions: [string, Listener][] = [];

  /** @param current the request that the running code belongs to */
  constructor(
    private readonly current: () => RequestTiming | undefined,
    tracingChannels: readonly string[] = ['ioredis:command'],
  ) {
    for (const events of [HTTP, FETCH, ...tracingChannels.map(traced)]) this.watch(events);
  }

  stop(): void {
    for (const [channel, listener] of this.subscriptions.splice(0)) unsubscribe(channel, listener);
  }

  private watch({ starts, ends, operationOf, nameOf }: CallEvents): void {
    this.subscribe(starts, (message) => {
      const timing = this.current();
      const operation = timing && operationOf(message);
      if (operation) this.calls.set(operation, timing.call(nameOf(operation)));
    });
    for (const name of ends) {
      this.subscribe(name, (message) => {
        const operation = operationOf(message);
        if (!operation) return;
        const end = this.calls.get(operation);
        const response = (message as { response?: NodeJS.EventEmitter }).response;
        // The head of a response is here; its body is still to come.
        if (end && response) response.once('close', end);
        else end?.();
      });
    }
  }

  private subscribe(channel: string, listener: Listener): void {
    subscribe(channel, listener);
    this.subscriptions.push([channel, listener]);
  }
}
