import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TIMING_PHASES, type SessionRequestRecord, type TimingPhase } from 'nestjs-session-beans/observability';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import type { Response } from 'supertest';
import { TcpProxy } from '../support/tcp-proxy.js';
import { enlargeCart } from './enlarge-cart.js';
import { type Method, ObservedClient } from './observed-client.js';
import { ObservedNode } from './observed-node.js';
import { dominantPhase, sumOfPhases, typical } from './phases-of-requests.js';
import { PrometheusText } from '../support/prometheus-text.js';
import { secretOf } from '../support/secret-of.js';
import { phasesOfHeader } from './server-timing-header.js';

const PHASE_TIME = 'session_phase_time_total';
type Phases = Pick<SessionRequestRecord, 'phaseSeconds'>;

/** Some requests, as their records, the metrics and the headers describe them. */
interface Observation {
  readonly records: readonly SessionRequestRecord[];
  readonly record: Phases;
  readonly metrics: Phases;
  readonly header: Phases;
}

/** The longest phase according to each of the three sources. */
function dominant({ record, metrics, header }: Observation): TimingPhase[] {
  return [record, metrics, header].map(dominantPhase);
}

/** Each problem is made so large that other delays of a busy machine are small beside it. */
describe('a running server of the sample', () => {
  let directory: string;
  let redis: RedisServer;
  let proxy: TcpProxy;
  /** This server reaches Redis through the proxy. */
  let distant: ObservedNode;
  /** This server reaches Redis directly. */
  let near: ObservedNode;
  let client: ObservedClient;
  const clients: ObservedClient[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-observed-'));
    redis = await RedisServer.start();
    proxy = await TcpProxy.start(redis.port);
    const start = (name: string, port: number): Promise<ObservedNode> =>
      ObservedNode.start(name, directory, { SESSION_PATTERN: 'external', REDIS_URL: `redis://127.0.0.1:${port}` });
    [distant, near] = await Promise.all([start('s1', proxy.port), start('s2', redis.port)]);
  }, 120_000);
  afterAll(async () => {
    await Promise.all([distant?.stop(), near?.stop()]);
    await proxy?.close();
    await redis?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    client = new ObservedClient(near.url);
    clients.push(client);
    await client.send('/count');
  });

  const send = (node: ObservedNode, path: string, method: Method = 'GET', body?: object): Promise<Response> =>
    client.send(path, method, body, node.url);

  /**
   * @param ask sends one request of `handler`. It is called three times, because a busy machine may delay one of them
   */
  async function observe(node: ObservedNode, handler: string, ask: () => Promise<Response>): Promise<Observation> {
    const recordsBefore = (await node.records()).filter((one) => one.handler === handler).length;
    const headers: Phases[] = [];
    const metrics: Phases[] = [];
    for (let i = 0; i < 3; i++) {
      const before = await PrometheusText.of(node.url);
      await node.settle();
      headers.push(phasesOfHeader((await ask()).get('Server-Timing')));
      await eventually('its record is written', async () => {
        const own = (await node.records()).filter((one) => one.handler === handler);
        return own.length > recordsBefore + i;
      });
      const after = await PrometheusText.of(node.url);
      const spent = TIMING_PHASES.map((phase) => {
        const of = (text: PrometheusText): number => text.value(PHASE_TIME, { session_phase: phase });
        return [phase, of(after) - of(before)] as const;
      });
      metrics.push({ phaseSeconds: Object.fromEntries(spent) as unknown as Phases['phaseSeconds'] });
    }
    const records = (await node.records()).filter((one) => one.handler === handler).slice(recordsBefore);
    return { records, record: typical(records), metrics: typical(metrics), header: typical(headers) };
  }

  it('attributes slowness to decoding and encoding when the session is large, and names the bean', async () => {
    await send(near, '/cart/items', 'POST', { sku: 'tea', quantity: 1, price: 250 });
    const store = new RedisSessionStore({ url: redis.url });
    await enlargeCart(store, [...client.ids].at(-1) ?? '', 20_000);
    await store.close();

    // This request touches the cart, changes nothing, and has a short answer.
    const seen = await observe(near, 'CartController.remove', () => send(near, '/cart/items/none', 'DELETE'));

    for (const { phaseSeconds } of [seen.record, seen.metrics, seen.header]) {
      const { decode, encode, ...others } = phaseSeconds;
      expect(decode + encode).toBeGreaterThan(Math.max(...Object.values(others)));
    }
    expect(seen.records[0]).toMatchObject({ largestBean: 'cart', touched: ['cart'], changed: [] });
    expect(seen.records[0]?.bytes.session).toBeGreaterThan(700_000);
  });

  it('attributes slowness to loading and saving when Redis is slow', async () => {
    proxy.delayMs = 400;
    try {
      const read = await observe(distant, 'CountController.peek', () => send(distant, '/count/peek'));
      const written = await observe(distant, 'CountController.count', () => send(distant, '/count'));

      expect(dominant(read)).toEqual(['sessionLoad', 'sessionLoad', 'sessionLoad']);
      for (const phase of dominant(written)) expect(['sessionLoad', 'sessionSave']).toContain(phase);
      for (const { phaseSeconds } of [written.record, written.metrics, written.header])
        expect(phaseSeconds.sessionSave).toBeGreaterThan(phaseSeconds.application + phaseSeconds.framework);
    } finally {
      proxy.delayMs = 0;
    }
  });

  it('attributes slowness to the queue when requests queue, although the handler waits for nothing', async () => {
    const ask = (): Promise<Response> => near.busyDuring(() => send(near, '/count/peek'), 500);
    const seen = await observe(near, 'CountController.peek', ask);

    expect(dominant(seen)).toEqual(['queue', 'queue', 'queue']);
  });

  it('writes records whose phases add up to their totals', async () => {
    const records = [...(await near.records()), ...(await distant.records())];

    expect(records.length).toBeGreaterThan(12);
    for (const record of records) expect(Math.abs(sumOfPhases(record) / record.durationSeconds - 1)).toBeLessThan(0.05);
  });

  it('reveals no session id in its log, in its metrics, or to clients outside the cookie', async () => {
    const nodes = [near, distant];
    const metrics = await Promise.all(nodes.map(({ url }) => PrometheusText.of(url)));
    const logs = await Promise.all(nodes.map((node) => node.text()));
    const ids = clients.flatMap((one) => [...one.ids]);
    const texts = [...logs, ...metrics.map(({ text }) => text), ...clients.flatMap(({ told }) => told)];

    expect(ids.length).toBeGreaterThanOrEqual(clients.length);
    expect(texts.join('')).toContain('session.request');
    for (const id of ids) for (const text of texts) expect(text).not.toContain(secretOf(id));
  });
});
