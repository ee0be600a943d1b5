import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { Controller, Get } from '@nestjs/common';
import {
  REQUEST_CHANNEL,
  SessionObservabilityModule,
  type SessionObservabilityOptions,
} from 'nestjs-session-beans/observability';
import { FinishedRequest } from '../../libs/session/src/timing/session-request-record.js';
import { RequestTimings } from '../../libs/session/src/timing/request-timings.js';
import { Client } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type AdapterName, type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { Notes } from './notes.bean.js';
import { NotesController } from './notes.controller.js';
import { RecordedCalls } from './recorded-calls.js';

@Controller('ping')
class PingController {
  @Get() ping(): string {
    return 'pong';
  }
}

/** These specs measure no time. They count the operations that cost time. */
describe('the cost of observability', () => {
  const recorded = new RecordedCalls();
  let server: TestApplication;
  let client: Client;
  let clockReads: string[];
  let responses: ServerResponse[];
  let begun: ReturnType<typeof jest.spyOn>;
  let records: ReturnType<typeof jest.spyOn>;

  async function start(adapter: AdapterName, options?: SessionObservabilityOptions): Promise<void> {
    server = await startApplication({
      adapter,
      beans: [Notes],
      controllers: [NotesController, PingController],
      imports: [SessionObservabilityModule.forRoot(options)],
      prepare: (app) =>
        void app.getHttpServer().prependListener('request', (_: unknown, response: ServerResponse) => {
          responses.push(response);
        }),
    });
    client = new Client(server.app);
  }

  async function send(): Promise<void> {
    await client.post('/notes');
    await client.get('/notes');
    await client.get('/ping');
    await eventually('the responses are over', () => responses.every(({ destroyed, closed }) => destroyed || closed));
  }

  beforeEach(() => {
    responses = [];
    recorded.clear();
    clockReads = [];
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => {
      const caller = new Error('who reads the clock').stack ?? '';
      // Two callers are no part of the requests here: a deadline that an earlier spec of this process left behind, and
      // the timers of stores.
      const isOurs =
        readerIn(caller).includes('/libs/session/src/') && !/\/(?:store\/deadline|system-timers)\.ts/.test(caller);
      if (isOurs) clockReads.push(caller);
      return now();
    });
    begun = jest.spyOn(RequestTimings.prototype, 'begin');
    records = jest.spyOn(FinishedRequest.prototype, 'record', 'get');
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await server.close();
  });

  // These specs come first. After the last measured request of any spec in this process, the event loop is still
  // sampled for some seconds.
  it.each(adapters)('is zero without a listener: no object, no clock, no patch, $adapter', async ({ adapter }) => {
    await eventually('earlier listeners are gone', () => !channel('http.server.request.start').hasSubscribers);
    clockReads = [];
    await start(adapter);
    await send();

    expect(begun).not.toHaveBeenCalled();
    expect(clockReads).toEqual([]);
    expect(channel('http.server.request.start').hasSubscribers).toBe(false);
    expect(channel('http.server.response.finish').hasSubscribers).toBe(false);
    const ping = responses.at(-1);
    expect(responses).toHaveLength(3);
    expect(Object.hasOwn(ping ?? {}, 'writeHead')).toBe(false);
  });

  it.each(adapters)(
    'is a record per request while a listener subscribes, and none afterwards, $adapter',
    async ({ adapter }) => {
      const listener = jest.fn();
      subscribe(REQUEST_CHANNEL, listener);
      await start(adapter);
      await send();
      unsubscribe(REQUEST_CHANNEL, listener);

      expect(begun).toHaveBeenCalledTimes(3);
      await eventually('three records', () => listener.mock.calls.length === 3);
      expect(clockReads.length).toBeGreaterThan(0);

      begun.mockClear();
      await send();
      expect(begun).not.toHaveBeenCalled();
      expect(listener).toHaveBeenCalledTimes(3);
    },
  );

  it.each(adapters)(
    'is two calls of an instrument and one per long phase with metrics, $adapter',
    async ({ adapter }) => {
      await start(adapter, { meterProvider: recorded.provider });
      await send();
      await eventually('three durations', () => recorded.of('session.request.duration').length === 3);

      expect(recorded.of('session.size')).toHaveLength(2);
      expect(recorded.names()).toEqual(expect.arrayContaining(['session.request.duration', 'session.size']));
      expect(
        recorded.names().filter((name) => !/^session\.(?:request\.duration|size|phase\.duration)$/.test(name)),
      ).toEqual([]);
      for (const phase of recorded.of('session.phase.duration')) expect(phase.value).toBeGreaterThanOrEqual(0.001);
      expect(records).not.toHaveBeenCalled();
    },
  );

  it.each(adapters)('includes labels only for requests that fail, $adapter', async ({ adapter }) => {
    await start(adapter, { meterProvider: recorded.provider });
    await send();
    await eventually('three durations', () => recorded.of('session.request.duration').length === 3);

    const labels = [...recorded.of('session.request.duration'), ...recorded.of('session.size')];
    expect(labels.map(({ attributes }) => attributes)).toEqual(Array.from({ length: 5 }, () => undefined));
    await client.text('/nowhere');
    await eventually('a failure', () => recorded.of('session.request.duration').length === 4);
    expect(recorded.of('session.request.duration').at(-1)?.attributes).toEqual({ 'error.type': 'client_error' });
  });

  it.each(adapters)('includes one labels object per handler, not per request, $adapter', async ({ adapter }) => {
    await start(adapter, { meterProvider: recorded.provider, durationByHandler: true });
    await send();
    await send();
    await eventually('six durations', () => recorded.of('session.request.duration').length === 6);

    const labels = recorded.of('session.request.duration').map(({ attributes }) => attributes);
    expect(new Set(labels).size).toBe(3);
  });
});

/** The line of a stack that names the code which reads the clock; the framework runs inside of ours. */
function readerIn(stack: string): string {
  const lines = stack.split('\n').slice(1);
  return lines.find((line) => !/jest-mock|observability-spec/.test(line)) ?? '';
}
