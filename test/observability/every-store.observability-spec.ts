import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { inspect } from 'node:util';
import { Logger, type LoggerService } from '@nestjs/common';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { MemorySessionStore, type SessionStore } from 'nestjs-session-beans';
import { SessionObservabilityModule } from 'nestjs-session-beans/observability';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { ReplicatedGroup } from '../support/replicated-group.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';
import { Notes } from './notes.bean.js';
import { NotesController } from './notes.controller.js';
import { ObservedClient } from './observed-client.js';
import { sumOfPhases } from './phases-of-requests.js';
import { RequestRecords } from './request-records.js';

let redis: RedisServer;
beforeAll(async () => {
  redis = await RedisServer.start();
});
afterAll(() => redis.stop());

/** A store that the application closes. `close` closes what the store needs, and is called afterwards. */
interface Opened {
  readonly store: SessionStore;
  readonly close?: () => Promise<void>;
}

const stores: readonly { readonly store: string; readonly open: () => Promise<Opened> }[] = [
  { store: 'memory', open: async () => ({ store: new MemorySessionStore() }) },
  { store: 'redis', open: async () => ({ store: await readyRedisStore({ url: redis.url }) }) },
  {
    store: 'replicated',
    open: async () => {
      const group = await ReplicatedGroup.open(2);
      return { store: group.store('s1'), close: () => group.close() };
    },
  },
];

describe.each(stores)('requests whose sessions are in $store', ({ store, open }) => {
  describe.each(platforms)('$adapter, $mode', ({ adapter, scope }) => {
    const said: string[] = [];
    const spans = new InMemorySpanExporter();
    const reader = new PrometheusExporter({ preventServerStart: true });
    let opened: Opened;
    let server: TestApplication;
    let records: RequestRecords;
    let client: ObservedClient;

    beforeAll(async () => {
      const note = (...message: unknown[]): void => void said.push(message.map(String).join(' '));
      const logger: LoggerService = { log: note, warn: note, error: note };
      Logger.overrideLogger(logger);
      records = new RequestRecords();
      opened = await open();
      server = await startApplication({
        adapter,
        scope,
        beans: [Notes],
        controllers: [NotesController],
        session: { store: opened.store },
        imports: [
          SessionObservabilityModule.forRoot({
            nodeName: 's1',
            meterProvider: new MeterProvider({ readers: [reader] }),
            tracerProvider: new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }),
            serverTiming: true,
            slowRequestMs: 0,
          }),
        ],
        prepare: (app) => app.useLogger(logger),
      });
      client = new ObservedClient(server.url);
      await records.of(() => client.send('/notes', 'POST'));
    });
    afterAll(async () => {
      records.stop();
      await server.close();
      await opened.close?.();
      Logger.overrideLogger(true);
    });

    it('have records with the source of the session, its phases and its changes', async () => {
      const written = await records.of(() => client.send('/notes', 'POST'));
      const read = await records.of(() => client.send('/notes'));

      for (const record of [written, read]) {
        expect(Math.abs(sumOfPhases(record) / record.durationSeconds - 1)).toBeLessThan(0.05);
        // If a busy machine reads an answer late, that time counts as queue.
        expect(record.phaseSeconds.sessionLoad + record.phaseSeconds.queue).toBeGreaterThan(0);
        expect(record).toMatchObject({ touched: ['notes'], largestBean: 'notes', session: expect.any(String) });
        expect(['hit', 'validated', 'miss']).toContain(record.cache);
      }
      expect(written.phaseSeconds.sessionSave + written.phaseSeconds.queue).toBeGreaterThan(0);
      expect(written.bytes.saved).toBeGreaterThan(0);
      expect(written.changed).toEqual(['notes']);
      expect(read.bytes).toMatchObject({ session: written.bytes.session, saved: 0 });
    });

    it('appear in metrics, spans, the log and the header, without a session id', async () => {
      await records.of(() => client.send('/notes', 'POST'));
      const header = (await client.send('/notes')).get('Server-Timing');
      const { resourceMetrics } = await reader.collect();
      const metrics = new PrometheusSerializer('', false, undefined, true, true).serialize(resourceMetrics);
      const traced = inspect(spans.getFinishedSpans(), { depth: 8, maxArrayLength: null });

      expect(header).toContain('framework;dur=');
      expect(metrics).toContain(`session_live{session_node="s1",session_store_name="${store}"}`);
      expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(
        expect.arrayContaining(['session.load', 'session.save']),
      );
      expect(said.join('\n')).toContain('"handler":"NotesController.write"');
      expect(client.ids.size).toBe(1);
      const texts = [metrics, traced, said.join('\n'), JSON.stringify(records.all), ...client.told];
      for (const id of client.ids) for (const text of texts) expect(text).not.toContain(id);
    });
  });
});
