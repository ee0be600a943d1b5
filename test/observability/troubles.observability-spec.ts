import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { TIMING_PHASES, type SessionRequestRecord, type TimingPhase } from 'nestjs-session-beans/observability';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { enlargeCart } from './enlarge-cart.js';
import { ObservedClient } from './observed-client.js';
import { ObservedNode } from './observed-node.js';
import { dominantPhase, sumOfPhases, together } from './phase-sums.js';
import { PrometheusText } from './prometheus-text.js';
import { phasesOfHeader } from './server-timing-header.js';

const PHASE_TIME = 'session_phase_time_total';
type Phases = Pick<SessionRequestRecord, 'phases'>;

/** What the three ways to look at it say of some requests. */
interface Seen {
  readonly records: readonly SessionRequestRecord[];
  readonly record: Phases;
  readonly metrics: Phases;
  readonly header: Phases;
}

/** The same phase, whichever way one looks. */
function dominant({ record, metrics, header }: Seen): TimingPhase[] {
  return [record, metrics, header].map(dominantPhase);
}

describe('a running server of the sample', () => {
  let directory: string;
  let redis: RedisServer;
  let proxy: TcpProxy;
  let node: ObservedNode;
  let client: ObservedClient;
  const clients: ObservedClient[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-observed-'));
    redis = await RedisServer.start();
    proxy = await TcpProxy.start(redis.port);
    node = await ObservedNode.start('s1', directory, {
      SESSION_PATTERN: 'external',
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    });
  });
  afterAll(async () => {
    await node?.stop();
    await proxy?.close();
    await redis?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  beforeEach(async () => {
    client = new ObservedClient(node.url);
    clients.push(client);
    await client.send('/count');
  });

  /** @param handler whose requests `send` sends, three of them: a busy machine may hold up one of them anywhere */
  async function see(handler: string, send: () => Promise<Response>): Promise<Seen> {
    const recordsBefore = (await node.records()).filter((one) => one.handler === handler).length;
    const before = await PrometheusText.of(node.url);
    const headers: Phases[] = [];
    for (let i = 0; i < 3; i++) headers.push(phasesOfHeader((await send()).headers.get('server-timing')));
    const records = await eventually('the records are written', async () => {
      const own = (await node.records()).filter((one) => one.handler === handler).slice(recordsBefore);
      return own.length >= 3 && own;
    });
    const after = await PrometheusText.of(node.url);
    const spent = TIMING_PHASES.map((phase) => {
      const of = (text: PrometheusText): number => text.value(PHASE_TIME, { session_phase: phase });
      return [phase, of(after) - of(before)] as const;
    });
    const metrics = { phases: Object.fromEntries(spent) as unknown as Phases['phases'] };
    return { records, record: together(records), metrics, header: together(headers) };
  }

  it('slow because the session is large: the time is in decoding and encoding, and the record names the bean', async () => {
    await client.send('/cart/items', 'POST', { sku: 'tea', quantity: 1, price: 250 });
    const store = new RedisSessionStore({ url: redis.url });
    await enlargeCart(store, [...client.ids].at(-1) ?? '', 20_000);
    await store.close();

    // Touches the cart, changes nothing, and answers in a few words.
    const seen = await see('CartController.remove', () => client.send('/cart/items/none', 'DELETE'));

    for (const phase of dominant(seen)) expect(['decode', 'encode']).toContain(phase);
    expect(seen.records[0]).toMatchObject({ largestBean: 'cart', touched: ['cart'], changed: [] });
    expect(seen.records[0]?.bytes.session).toBeGreaterThan(700_000);
  });

  it('slow because Redis is: the time is in loading and saving', async () => {
    proxy.delayMs = 150;
    try {
      const read = await see('CountController.peek', () => client.send('/count/peek'));
      const written = await see('CountController.count', () => client.send('/count'));

      expect(dominant(read)).toEqual(['sessionLoad', 'sessionLoad', 'sessionLoad']);
      for (const phase of dominant(written)) expect(['sessionLoad', 'sessionSave']).toContain(phase);
      for (const { phases } of [written.record, written.metrics, written.header])
        expect(phases.sessionSave).toBeGreaterThan(phases.application + phases.framework);
    } finally {
      proxy.delayMs = 0;
    }
  });

  it('slow because requests queue: the time is in the queue, although the handler waits for nothing', async () => {
    const seen = await see('CountController.peek', async () => {
      node.freeze();
      const answer = client.send('/count/peek');
      // As long as a handler would that computes for so long.
      await wait(400);
      node.thaw();
      return answer;
    });

    expect(dominant(seen)).toEqual(['queue', 'queue', 'queue']);
  });

  it('writes records whose phases add up to their totals', async () => {
    const records = await node.records();

    expect(records.length).toBeGreaterThan(12);
    for (const record of records) expect(Math.abs(sumOfPhases(record) / record.total - 1)).toBeLessThan(0.05);
  });

  it('tells no session id, neither in its log, nor in its metrics, nor to clients other than in the cookie', async () => {
    const metrics = await PrometheusText.of(node.url);
    const ids = clients.flatMap((one) => [...one.ids]);
    const texts = [await node.text(), metrics.text, ...clients.flatMap(({ told }) => told)];

    expect(ids.length).toBeGreaterThanOrEqual(clients.length);
    expect(texts.join('')).toContain('session.request');
    for (const id of ids) for (const text of texts) expect(text).not.toContain(id);
  });
});
