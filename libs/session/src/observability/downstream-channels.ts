import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { RequestTiming } from '../timing/request-timing.js';

type Listener = (message: unknown) => void;

/** The diagnostics channels of one kind of call. */
interface CallChannels {
  readonly starts: string;
  readonly ends: readonly string[];

  /** The object that the messages about the start and the end of a call have in common. */
  readonly operationOf: (message: unknown) => object | undefined;

  /** The name under which records and logs show the call. */
  readonly nameOf: (operation: object) => string;
}

const requestOf = (message: unknown): object | undefined => (message as { request?: object }).request;

const HTTP: CallChannels = {
  starts: 'http.client.request.start',
  ends: ['http.client.response.finish', 'http.client.request.error'],
  operationOf: requestOf,
  nameOf: (operation) => hostOf((operation as { host?: unknown }).host),
};

const FETCH: CallChannels = {
  starts: 'undici:request:create',
  ends: ['undici:request:trailers', 'undici:request:error'],
  operationOf: requestOf,
  nameOf: (operation) => hostOf((operation as { origin?: unknown }).origin),
};

/**
 * The channels of a TracingChannel. All its messages about one operation are the same object. An operation that fails
 * before it becomes a promise has no `asyncEnd`.
 */
const tracingChannel = (name: string): CallChannels => ({
  starts: `tracing:${name}:start`,
  ends: [`tracing:${name}:asyncEnd`, `tracing:${name}:error`],
  operationOf: (message) => message as object,
  nameOf: () => name.split(':', 1)[0] ?? name,
});

/**
 * Counts the calls that requests make as `downstream`: calls of `node:http`, of `fetch`, and of libraries that announce
 * theirs on tracing channels. Listens from its construction to `stop()`.
 */
export class DownstreamChannels {
  private readonly calls = new WeakMap<object, () => void>();
  private readonly subscriptions: [string, Listener][] = [];

  /** @param current the request that the running code belongs to */
  constructor(
    private readonly current: () => RequestTiming | undefined,
    tracingChannels: readonly string[],
  ) {
    for (const channels of [HTTP, FETCH, ...tracingChannels.map(tracingChannel)]) this.watch(channels);
  }

  stop(): void {
    for (const [channel, listener] of this.subscriptions.splice(0)) unsubscribe(channel, listener);
  }

  private watch({ starts, ends, operationOf, nameOf }: CallChannels): void {
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
        // The head of the response has arrived, its body is still to come.
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

/** The host of a call, `api.example.org`: the rest of its address may hold a secret. */
function hostOf(origin: unknown): string {
  if (typeof origin === 'string' && !origin.includes('/')) return origin || 'http';
  try {
    return new URL(origin as string | URL).host;
  } catch {
    return 'http';
  }
}
