import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerAddresses } from '../support/balancer.js';
import { eventually } from '../support/eventually.js';
import { joinLogs, joinedTables, type JoinedRequest } from './join-logs.js';
import { LoggingBalancer } from './logging-balancer.js';
import { ObservedClient } from './observed-client.js';
import { ObservedNode } from './observed-node.js';
import { dominantPhase, together } from './phase-sums.js';
import { PrometheusText } from './prometheus-text.js';
import { phasesOfHeader } from './server-timing-header.js';

const NAMES = ['s1', 's2', 's3'];
const balancers = [
  { balancer: 'HAProxy', start: (kind: string, servers: ServerAddresses) => LoggingBalancer.haproxy(kind, servers) },
  { balancer: 'nginx', start: (kind: string, servers: ServerAddresses) => LoggingBalancer.nginx(kind, servers) },
];

describe.each(balancers)('the joined logs of $balancer and its servers', ({ start }) => {
  let directory: string;
  let nodes: ObservedNode[];
  let balancer: LoggingBalancer;
  let files: string[];
  const clients: ObservedClient[] = [];

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'session-beans-joined-'));
    nodes = await Promise.all(NAMES.map((name) => ObservedNode.start(name, directory, { SESSION_PATTERN: 'sticky' })));
    balancer = await start('sticky-route', Object.fromEntries(nodes.map(({ name, address }) => [name, address])));
    files = [join(directory, 'balancer.log'), ...nodes.map(({ logFile }) => logFile)];
  });
  afterAll(async () => {
    await balancer?.stop();
    await Promise.all((nodes ?? []).map((node) => node.stop()));
    rmSync(directory, { recursive: true, force: true });
  });

  /** The requests of a handler, once there are that many in both logs. */
  async function requests(handler: string, count: number): Promise<readonly JoinedRequest[]> {
    return eventually(`${count} requests in both logs`, async () => {
      writeFileSync(join(directory, 'balancer.log'), await balancer.log());
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
      return response.headers.get('server-timing')?.includes(`node;desc="${name}"`) ? client : undefined;
    });
  }

  it('have one line per request: the balancer and its connections, the server and its phases', async () => {
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
      expect(request).toMatchObject({ status: 200, phases: { application: expect.any(Number) }, pending: 0 });
      expect(request.connections).toBeGreaterThan(0);
    }
    // The first has no session yet; the second goes where its cookie says.
    for (const request of first) expect(request.route).toBeUndefined();
    for (const request of second) expect(request.route).toBe(request.server);
  });

  it('show that one server gets all connections, and that its requests queue', async () => {
    const crowd = await Promise.all(Array.from({ length: 16 }, () => clientOf('s1')));
    const item = { sku: 'tea', quantity: 1, price: 250 };
    const before = (await joinLogs(files)).requests.length;
    const headers: ReturnType<typeof phasesOfHeader>[] = [];
    const shop = async (client: ObservedClient): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const response = await client.send('/cart/items', 'POST', item);
        headers.push(phasesOfHeader(response.headers.get('server-timing')));
      }
    };
    await Promise.all(crowd.map(shop));

    const bought = await requests('CartController.add', 640);
    expect(bought.length).toBe(640);
    expect(before).toBeGreaterThan(0);
    expect(new Set(bought.map(({ server }) => server))).toEqual(new Set(['s1']));
    expect(new Set(bought.map(({ route }) => route))).toEqual(new Set(['s1']));
    // What the record, the header and the metrics say of that server.
    const phases = bought.flatMap((one) => (one.phases ? [{ phases: one.phases }] : []));
    expect(dominantPhase(together(phases))).toBe('queue');
    expect(dominantPhase(together(headers))).toBe('queue');
    expect(Math.max(...bought.map(({ pending }) => pending ?? 0))).toBeGreaterThan(4);
    const [crowded, ...others] = await Promise.all(nodes.map((node) => PrometheusText.of(node.url)));
    const handled = (text: PrometheusText | undefined): number => text?.value('session_requests_total') ?? 0;
    for (const other of others) expect(handled(crowded)).toBeGreaterThan(handled(other) * 3);
    expect(crowded?.value('session_phase_time_total', { session_phase: 'queue' })).toBeGreaterThan(0);
  });

  it('are tables that an operator can read', async () => {
    const tables = await joinedTables(files);
    const { servers } = await joinLogs(files);

    expect(servers.map(({ server }) => server)).toEqual(expect.arrayContaining(NAMES));
    expect(servers[0]).toMatchObject({ server: 's1', mostPending: expect.any(Number) });
    expect(servers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    for (const column of ['mostConnections', 'misrouted', 'balancer', 'sessionLoad', 'sessionSave', 'handler'])
      expect(tables).toContain(column);
    expect(tables).toContain('CartController.add');
  });

  it('hold no session id', async () => {
    const ids = clients.flatMap((client) => [...client.ids]);
    const texts = [await balancer.log(), ...(await Promise.all(nodes.map((node) => node.text())))];

    expect(ids.length).toBeGreaterThanOrEqual(25);
    for (const id of ids) for (const text of texts) expect(text).not.toContain(id);
  });
});
