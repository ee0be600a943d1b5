import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { Controller, Get, Inject, Logger, type LoggerService, Param, Post } from '@nestjs/common';
import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { HttpSession, MemorySessionStore, SessionLock, SessionScoped } from 'nestjs-session-beans';
import {
  SessionObservabilityModule,
  SessionSpanProcessor,
  TIMING_PHASES,
  type SessionRequestRecord,
} from 'nestjs-session-beans/observability';
import { eventually } from '../support/eventually.js';
import { CountingStore } from '../support/counting-store.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { type Method, ObservedClient } from './observed-client.js';
import { Client } from '../support/client.js';
import { dominantWork } from './phases-of-requests.js';
import { secretOf } from '../support/secret-of.js';
import { RequestRecords } from './request-records.js';
import { StackedContexts } from './stacked-contexts.js';

@SessionScoped({ name: 'notes' })
class Notes {
  lines: string[] = [];
}

const spanProcessor = new SessionSpanProcessor();
const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans), spanProcessor] });
const tracer = tracerProvider.getTracer('@opentelemetry/instrumentation-pg');

@Controller('notes')
class NotesController {
  @Inject() private readonly notes!: Notes;
  @Inject() private readonly session!: HttpSession;

  @Get() read(): number {
    return this.notes.lines.length;
  }

  @Get('named/:name') named(@Param('name') name: string): string {
    return `${this.notes.lines.length} ${name.length}`;
  }

  @Post() write(): number {
    return this.notes.lines.push('a line');
  }

  @Post('locked') @SessionLock() locked(): number {
    return this.notes.lines.push('a line');
  }

  @Get('query') async query(): Promise<string> {
    const span = tracer.startSpan('SELECT', { kind: SpanKind.CLIENT });
    await new Promise((resolve) => setTimeout(resolve, 100));
    span.end();
    return 'ok';
  }

  @Post('login') async login(): Promise<void> {
    await this.session.login('somebody');
  }

  @Post('logout') async logout(): Promise<void> {
    await this.session.invalidate();
  }
}

describe.each(adapters)('the telemetry of a server, $adapter', ({ adapter }) => {
  const said: string[] = [];
  const log = (...parts: unknown[]): void => void said.push(parts.map((part) => inspect(part, { depth: 6 })).join(' '));
  const logger: LoggerService = { log, error: log, warn: log, debug: log, verbose: log, fatal: log };
  const reader = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [reader] });
  let server: TestApplication;
  let records: RequestRecords;
  let client: ObservedClient;
  const clients: ObservedClient[] = [];

  const text = async (): Promise<string> => {
    const { resourceMetrics } = await reader.collect();
    return new PrometheusSerializer('', false, undefined, true, true).serialize(resourceMetrics);
  };
  const series = async (): Promise<string[]> =>
    (await text()).split('\n').flatMap((line) => /^([a-z]\w*(?:\{.*\})?) /.exec(line)?.[1] ?? []);
  const send = (path: string, method?: Method): Promise<SessionRequestRecord> =>
    records.of(() => client.send(path, method));
  const value = async (line: string): Promise<number> => {
    const found = (await text()).split('\n').find((one) => one.startsWith(`${line} `));
    return found === undefined ? 0 : Number(found.slice(line.length));
  };

  beforeAll(async () => {
    context.setGlobalContextManager(new StackedContexts());
    records = new RequestRecords();
    server = await startApplication({
      adapter,
      beans: [Notes],
      controllers: [NotesController],
      session: { nodeName: 's1', nearCache: { mode: 'validate' } },
      // Like a store that servers share, so that the near cache asks it in each request.
      store: new CountingStore(new MemorySessionStore(), {
        shared: true,
        locks: { acquire: () => ({ outcome: 'locked' }), release: () => undefined },
      }),
      imports: [
        SessionObservabilityModule.forRoot({
          meterProvider,
          tracerProvider,
          spanProcessor,
          serverTiming: true,
          slowRequestMs: 0,
        }),
      ],
      prepare: (app) => {
        app.useLogger(logger);
        // Acts as an instrumentation of the server: its span is active while the request is handled.
        app.use((_: unknown, __: unknown, next: () => void) => {
          const span = tracerProvider.getTracer('http').startSpan('GET /notes', { kind: SpanKind.SERVER });
          context.with(trace.setSpan(context.active(), span), next);
          span.end();
        });
      },
    });
  });
  afterAll(async () => {
    records.stop();
    await server.close();
    await meterProvider.shutdown();
    context.disable();
    Logger.overrideLogger(false);
  });
  beforeEach(() => {
    client = new ObservedClient(server.url);
    clients.push(client);
    spans.reset();
  });
  afterEach(() => {
    server.store.before = () => undefined;
  });

  it('has a span for each call of the store, inside the active span', async () => {
    await send('/notes', 'POST');
    await send('/notes/locked', 'POST');
    const finished = spans.getFinishedSpans();
    const named = (name: string) => finished.filter((span) => span.name === name);
    const count = (name: string): number => named(name).length;

    expect(['session.load', 'session.save', 'session.lock'].map(count)).toEqual([2, 2, 1]);
    const parents = new Set(named('GET /notes').map((span) => span.spanContext().spanId));
    for (const name of ['session.load', 'session.save']) {
      for (const span of named(name)) expect(parents).toContain(span.parentSpanContext?.spanId);
    }
    expect(named('session.save').at(-1)?.attributes).toMatchObject({
      'session.hash': expect.stringMatching(/^[\w-]{8}$/),
      'session.beans.changed': ['notes'],
    });
  });

  it('has a span with an error, and a counter, when the store fails', async () => {
    await send('/notes', 'POST');
    const line =
      'session_store_errors_total{session_node="s1",session_store_name="memory",session_store_operation="save"}';
    const before = await value(line);
    server.store.before = (operation) => {
      if (operation === 'save') throw new Error('down');
    };
    await send('/notes', 'POST');

    const failed = spans.getFinishedSpans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
    expect(failed.map(({ name, status }) => [name, status.message])).toEqual([['session.save', 'SessionStoreError']]);
    expect(await value(line)).toBe(before + 1);
  });

  it('counts the calls that an instrumentation reports as downstream', async () => {
    const record = await send('/notes/query');

    expect(dominantWork(record)).toBe('downstream');
    expect(record.downstream).toMatchObject([{ name: 'pg', calls: 1 }]);
  });

  it('has a Server-Timing header with the phases, the cache and the node', async () => {
    await send('/notes', 'POST');
    const header = (await client.send('/notes')).get('Server-Timing');

    expect(header).toMatch(/^(?:\w+;dur=\d+\.\d\d, )+total;dur=\d+\.\d\d, cache;desc=validated, node;desc="s1"$/);
    expect(header).toContain('framework;dur=');
  });

  it('has one line of JSON for each slow request', async () => {
    const record = await send('/notes', 'POST');
    const line = await eventually('the line', () => said.findLast((one) => one.includes('session.request')));
    const [json = '{}'] = /\{"event":"session\.request".*\}/.exec(line) ?? [];

    expect(json).not.toContain('\n');
    const logged = JSON.parse(json) as SessionRequestRecord;
    expect(logged).toMatchObject({ handler: 'NotesController.write', session: record.session, changed: ['notes'] });
    expect(Object.keys(logged.phaseSeconds)).toEqual(Object.keys(record.phaseSeconds));
  });

  it('distinguishes validated copies and misses of the near cache', async () => {
    await send('/notes', 'POST');
    const cached = await send('/notes');
    const { store } = server;
    // Another server stores a change, so this server's copy is no longer the newest.
    const other = await startApplication({ adapter, beans: [Notes], controllers: [NotesController], store });
    const elsewhere = new URL(other.url);
    await fetchWith(client, elsewhere);
    const missed = await send('/notes');
    await other.app.close().catch(() => undefined);

    expect([cached.cache, missed.cache]).toEqual(['validated', 'miss']);
    expect(
      await value('session_cache_requests_total{session_node="s1",session_cache_result="validated"}'),
    ).toBeGreaterThan(0);
  });

  it('has metrics of every kind, in seconds and bytes', async () => {
    await send('/notes', 'POST');
    await send('/notes/query');
    await send('/notes/login', 'POST');
    await send('/notes/logout', 'POST');
    const names = new Set((await series()).map((one) => one.split('{')[0]));

    for (const name of [
      'session_request_duration_bucket',
      'session_phase_duration_bucket',
      'session_size_bucket',
      'session_requests_total',
      'session_phase_time_total',
      'session_handler_requests_total',
      'session_handler_time_total',
      'session_cache_requests_total',
      'session_conflicts_total',
      'session_retries_total',
      'session_misrouted_total',
      'session_events_total',
      'session_ignored_total',
      'session_write_behind_dropped_total',
      'session_write_behind_sessions',
      'session_live',
      'session_near_cache_sessions',
      'session_near_cache_size',
      'session_requests_active',
      'session_connections',
      'session_event_loop_delay',
      'session_event_loop_utilization',
    ])
      expect(names).toContain(name);
    for (const event of ['created', 'login', 'renewed', 'ended'])
      expect(await value(`session_events_total{session_node="s1",session_event="${event}"}`)).toBeGreaterThan(0);
    for (const name of ['session_handler_requests_total', 'session_handler_time_total'])
      expect(await value(`${name}{session_node="s1",session_handler="NotesController.write"}`)).toBeGreaterThan(0);
    expect(await text()).toContain('# UNIT session_request_duration s');
    expect(await text()).toContain('# UNIT session_size By');
  });

  it('has no more time series after hundreds of sessions, addresses and forged cookies', async () => {
    // The series of phases are left out: at most ten, and only phases that lasted long enough have one.
    const bounded = async (): Promise<string[]> => {
      const all = await series();
      const phases = all.flatMap((one) => /session_phase="(\w+)"/.exec(one)?.[1] ?? []);
      expect(TIMING_PHASES).toEqual(expect.arrayContaining(phases));
      return all.filter((one) => !one.startsWith('session_phase_duration'));
    };
    const roam = async (round: string): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        const stranger = new ObservedClient(server.url);
        clients.push(stranger);
        await stranger.send('/notes', 'POST');
        await stranger.send(`/notes/named/${round}${i}?of=${round}${i}`);
        await stranger.send(`/nowhere/${round}/${i}`);
        const cookie = `sid=${'x'.repeat(65)}.r${round}${i}`;
        await new Client(server.app).get('/notes', { cookie, 'x-request-id': `${round}-${i}` });
      }
    };
    await roam('a');
    const before = await bounded();
    await roam('b');
    await roam('c');
    const after = await bounded();

    expect(after.toSorted()).toEqual(before.toSorted());
    expect(after.length).toBeGreaterThan(50);
    expect(await value('session_ignored_total{session_node="s1",session_ignored_reason="malformed"}')).toBe(300);
  });

  it('never contains a session id', async () => {
    const ids = clients.flatMap((one) => [...one.ids]);
    const told = clients.flatMap((one) => one.told);
    const traced = inspect(spans.getFinishedSpans(), { depth: 8, maxArrayLength: null });
    const texts = [await text(), said.join('\n'), traced, JSON.stringify(records.all), told.join('\n')];

    expect(ids.length).toBeGreaterThan(300);
    for (const one of texts) expect(ids.filter((id) => one.includes(secretOf(id)))).toEqual([]);
  });
});

/** Sends a request of the same client to another server of the cluster. */
async function fetchWith(client: ObservedClient, elsewhere: URL): Promise<void> {
  const response = await client.send('/notes', 'POST', undefined, elsewhere.origin);
  expect(response.status).toBe(201);
}
