import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TIMING_PHASES, type SessionRequestRecord } from 'nestjs-session-beans/observability';
import type { Balancer } from '../support/balancer.js';
import { balancers } from '../support/balancers.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { joinLogs, joinedTables, type JoinedRequest } from './join-logs.js';
import { ObservedClient } from './observed-client.js';
import { ObservedNode } from './observed-node.js';
import { dominantPhase, typical } from './phases-of-requests.js';
import { PrometheusText } from '../support/prometheus-text.js';
import { phasesOfHeader } from './server-timing-header.js';

const NAMES = ['s1', 's2', 's3'];

describe.each(balancers)('the joined logs of $balancer and its servers', ({ start }) => {
  let directory: string;
  let redis: RedisServer;
  let nodes: ObservedNode[];
  let balancer: Balancer;
  let files: string[];
  const clients: ObservedClient[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-joined-'));
    redis = await RedisServer.start();
    const env = { SESSION_PATTERN: 'cached', REDIS_URL: redis.url };
    nodes = await Promise.all(NAMES.map((name) => ObservedNode.start(name, directory, env)));
    const addresses = Object.fromEntries(nodes.map(({ name, address }) => [name, address]));
    balancer = await start('sticky-route', addresses, { logsSessions: true });
    files = [join(directory, 'balancer.log'), ...nodes.map(({ logFile }) => logFile)];
  }, 120_000);
  afterAll(async () => {
    await balancer?.stop();
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    await redis?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The requests of a handler, once both logs have at least `count` of them. */
  async function requests(handler: string, count: number): Promise<readonly JoinedRequest[]> {
    return eventually(`${count} requests in both logs`, async () => {
      writeFileSync(join(directory, 'balancer.log'), await balancer.sessionLog());
      const joined = (await joinLogs(files)).requests.filter((one) => one.handler === handler);
      return joined.length >= count && joined;
    });
  }

  /** A client whose session is on this server. */
  async function clientOf(name: string): Promise<ObservedClient> {
    return eventually(`a client of ${name}`, async () => {
      const client = new ObservedClient(balancer.url);
      clients.push(client);
      const response = await client.send('/count');
      return response.get('Server-Timing')?.includes(`node;desc="${name}"`) ? client : undefined;
    });
  }

  async function timeOf(node: ObservedNode): Promise<Pick<SessionRequestRecord, 'phaseSeconds'>> {
    const text = await PrometheusText.of(node.url);
    const spent = TIMING_PHASES.map((phase) => [
      phase,
      text.value('session_phase_time_total', { session_phase: phase }),
    ]);
    return { phaseSeconds: Object.fromEntries(spent) as SessionRequestRecord['phaseSeconds'] };
  }

  it('have one line per request, with connections of the balancer and phases of the server', async () => {
    for (let i = 0; i < 9; i++) {
      const client = new ObservedClient(balancer.url);
      clients.push(client);
      await client.send('/count');
      await client.send('/count/peek');
    }
    const first = await requests('CountController.count', 9);
    const second = await requests('CountController.peek', 9);

    expect(new Set(first.map(({ id }) => id)).size).toBe(first.length);
    for (const request of [...first, ...second]) {
      expect(NAMES).toContain(request.server);
      expect(request).toMatchObject({ status: 200, phases: { application: expect.any(Number) } });
      expect(request.pending).toBeGreaterThanOrEqual(0);
      // Apart from rounding, these parts add up to all of the time.
      const { total, balancerQueue, connect, between = NaN } = request;
      const measured = Object.values(request.phases ?? {}).reduce<number>((sum, ms) => sum + ms, 0);
      expect(balancerQueue + connect + between + measured).toBeGreaterThan(total - 2);
      expect(request.connections).toBeGreaterThan(0);
    }
    // The first request has no session yet. The second goes to the server that its cookie names.
    for (const request of first) expect(request.route).toBeUndefined();
    for (const request of second) expect(request.route).toBe(request.server);
  });

  it('show that one server gets all connections and that its requests queue', async () => {
    const crowd = await Promise.all(Array.from({ length: 15 }, () => clientOf('s1')));
    const headers: ReturnType<typeof phasesOfHeader>[] = [];
    const [crowded, ...others] = nodes as [ObservedNode, ...ObservedNode[]];
    const before = await timeOf(crowded);
    const show = async (client: ObservedClient): Promise<void> => {
      headers.push(phasesOfHeader((await client.send('/cart')).get('Server-Timing')));
    };

    // The balancer sends all clients to s1, whose event loop stands still meanwhile.
    for (let volley = 0; volley < 8; volley++) await crowded.busyDuring(() => Promise.all(crowd.map(show)), 100, 8);

    const seen = await requests('CartController.show', 120);
    expect(seen.length).toBe(120);
    expect(new Set(seen.map(({ server }) => server))).toEqual(new Set(['s1']));
    expect(new Set(seen.map(({ route }) => route))).toEqual(new Set(['s1']));
    expect(Math.max(...seen.map(({ pending }) => pending ?? 0))).toBeGreaterThan(4);
    // The records, the headers and the metrics of that server agree.
    const phases = seen.flatMap((one) => (one.phases ? [{ phaseSeconds: one.phases }] : []));
    expect(dominantPhase(typical(phases))).toBe('queue');
    expect(dominantPhase(typical(headers))).toBe('queue');
    const after = await timeOf(crowded);
    const spent = TIMING_PHASES.map((phase) => [phase, after.phaseSeconds[phase] - before.phaseSeconds[phase]]);
    expect(dominantPhase({ phaseSeconds: Object.fromEntries(spent) as typeof after.phaseSeconds })).toBe('queue');
    for (const other of others) expect((await PrometheusText.of(other.url)).text).not.toContain('CartController.show');
  });

  it('can be read as tables by an operator', async () => {
    const tables = await joinedTables(files);
    const { servers } = await joinLogs(files);

    expect(servers.map(({ server }) => server)).toEqual(expect.arrayContaining(NAMES));
    expect(servers[0]).toMatchObject({ server: 's1', mostPending: expect.any(Number) });
    expect(servers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    for (const column of [
      'mostConnections',
      'misrouted',
      'balancer',
      'between',
      'sessionLoad',
      'sessionSave',
      'handler',
    ])
      expect(tables).toContain(column);
    expect(tables).toContain('CartController.show');
  });

  it('contain no session id', async () => {
    const ids = clients.flatMap((client) => [...client.ids]);
    const texts = [await balancer.sessionLog(), ...(await Promise.all(nodes.map((node) => node.text())))];

    expect(ids.length).toBeGreaterThanOrEqual(25);
    for (const id of ids) for (const text of texts) expect(text).not.toContain(id);
  });
});
