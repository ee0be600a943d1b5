import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.js';
import { Haproxy } from '../support/haproxy.js';
import { Nginx } from '../support/nginx.js';
import { rounds } from '../support/rounds.js';
import { SampleCluster, type SampleNode } from '../support/sample-servers.js';
import { BalancedCluster } from './balanced-cluster.js';
import { CountingClient } from './counting-client.js';

const variants = [
  { variant: 'HAProxy, two rules', start: Haproxy.start.bind(null, 'primary-backup') },
  { variant: 'HAProxy, a backend per pair', start: Haproxy.start.bind(null, 'primary-backup-exact') },
  { variant: 'nginx', start: Nginx.start.bind(null, 'primary-backup') },
];

let servers: SampleCluster;
beforeAll(async () => {
  const env = { SESSION_PATTERN: 'replicated', REPLICATION_SECRET: 'only for this test, 32 bytes...' };
  servers = await SampleCluster.start(3, env);
});
afterAll(() => servers?.stop());

describe.each(variants.slice(0, rounds(1, 3)))('SESSION_PATTERN=replicated behind $variant', ({ variant, start }) => {
  let cluster: BalancedCluster;
  let clients: CountingClient[];
  beforeAll(async () => {
    cluster = await BalancedCluster.inFrontOf(servers, start);
  });
  afterAll(() => cluster?.balancer.stop());
  beforeEach(() => {
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await cluster.restore();
  });

  /** Clients that have counted five times, and whose sessions have two owners. */
  async function startClients(count: number): Promise<CountingClient[]> {
    clients = Array.from({ length: count }, () => new CountingClient(cluster.url));
    await Promise.all(clients.map((client) => client.countUp(5)));
    await eventually('all have a backup', async () => {
      const alone = clients.filter((client) => !/^s\d$/.test(backupOf(client)));
      await Promise.all(alone.map((client) => client.count()));
      return alone.length === 0;
    });
    return clients;
  }
  const primaryOf = ({ locator }: CountingClient): string => locator[0] ?? '';
  const backupOf = ({ locator }: CountingClient): string => locator[1] ?? '';

  /** The first number that the client receives, and the statuses of the answers before. */
  async function firstNumber(client: CountingClient): Promise<{ number: number; before: number[] }> {
    const before: number[] = [];
    return eventually('a number', async () => {
      const { status, text } = await client.get('/count/peek');
      if (status === 200) return { number: Number(text.slice('counter='.length)), before };
      before.push(status);
      return undefined;
    });
  }

  it('keeps a client on its primary', async () => {
    const started = await startClients(20);
    // Servers of a busy machine may lose sight of each other, which moves sessions: it is tried until they do not.
    await eventually('a round in which no session moves', async () => {
      const homes = started.map(primaryOf);
      expect(new Set(homes)).toEqual(new Set(['s1', 's2', 's3']));
      for (const [i, client] of started.entries()) {
        const { text } = await client.get('/session');
        expect((JSON.parse(text) as { node: string }).node).toBe(homes[i]);
      }
      await Promise.all(started.map((client) => client.countUp(5)));
      expect(started.map(primaryOf)).toEqual(homes);
      return true;
    });
  });

  it('F19 has all acknowledged updates at the backup when a primary is killed', async () => {
    const started = await startClients(20);
    const told = started.map((client) => client.told);
    const moving = started.filter((client) => primaryOf(client) === 's1');
    const movingBackups = moving.map(backupOf);

    await cluster.node('s1').kill();
    const answers = await Promise.all(started.map(firstNumber));

    expect(answers.map(({ number }) => number)).toEqual(told);
    // These requests met a dying connection, or a backup that did not know yet that its primary was gone.
    expect([0, 502, 503]).toEqual(expect.arrayContaining([...new Set(answers.flatMap(({ before }) => before))]));
    await Promise.all(moving.map((client) => client.countUp(2)));
    expect(moving.flatMap(({ lost }) => lost)).toEqual([]);
    // With two rules, HAProxy sends requests between crash and detection to the third server, which then becomes the
    // primary.
    const allowed =
      variant === 'HAProxy, two rules' ? moving.map(() => ['s2', 's3']) : movingBackups.map((one) => [one]);
    for (const [i, client] of moving.entries()) expect(allowed[i]).toContain(primaryOf(client));
  });

  it('counts every one of many concurrent increments of one session', async () => {
    const retriesBefore = await cluster.retriesOf('/count');
    const [first] = (await startClients(1)) as [CountingClient];
    const tabs = Array.from({ length: 25 }, () => new CountingClient(cluster.url));
    for (const tab of tabs) tab.cookies.set('sid', first.cookies.get('sid') ?? '');
    clients.push(...tabs);
    await Promise.all(
      tabs.map(async (tab) => {
        for (let i = 0; i < rounds(10, 40); i++) await tab.count();
      }),
    );
    // On a busy machine servers may lose contact for a moment, and then answer 503.
    expect([503]).toEqual(expect.arrayContaining([...new Set(tabs.flatMap(({ failures }) => failures))]));
    const acknowledged = tabs.reduce((sum, tab) => sum + tab.acknowledged, first.acknowledged);
    const number = await first.number('/count/peek');
    expect(number).toBeGreaterThanOrEqual(acknowledged);
    expect(number - acknowledged).toBeLessThanOrEqual(await explained([first, ...tabs], retriesBefore));
  });

  it('F22 answers 503 while both owners are down, shows no older state, and restarts only lost sessions', async () => {
    const started = await startClients(30);
    const isLost = (client: CountingClient): boolean => primaryOf(client) !== 's3' && backupOf(client) !== 's3';
    const losing = started.filter(isLost);
    const keeping = started.filter((client) => !isLost(client));
    expect(losing.length).toBeGreaterThan(0);
    const ids = losing.map((client) => client.cookies.get('sid')?.split('.')[0]);

    await Promise.all(['s1', 's2'].map((name) => cluster.node(name).kill()));

    await Promise.all(
      losing.map((client) =>
        eventually('503', async () => {
          const { status, setCookie } = await client.get('/count/peek');
          expect([0, 502, 503]).toContain(status);
          expect(setCookie).toEqual([]);
          return status === 503;
        }),
      ),
    );
    for (const client of keeping) expect((await firstNumber(client)).number).toBe(client.told);

    await cluster.restore();
    for (const client of losing) expect((await firstNumber(client)).number).toBe(0);
    for (const client of losing) expect(await client.number('/count')).toBe(1);
    for (const [i, client] of losing.entries()) expect(client.cookies.get('sid')?.split('.')[0]).not.toBe(ids[i]);
    for (const client of keeping) expect(await client.number('/count')).toBe(client.told + 1);
  });

  it('F24 shows no older state, and loses nothing, when a frozen primary thaws that was replaced', async () => {
    const started = (await startClients(20)).filter((client) => primaryOf(client) === 's1');
    expect(started.length).toBeGreaterThan(0);
    const frozen = cluster.node('s1');
    const retriesBefore = await cluster.retriesOf('/count');

    frozen.freeze();
    // Like impatient users, the clients abandon requests that hang at the frozen server, and send new ones.
    await Promise.all(
      started.map((client) =>
        eventually('another server goes on', async () => {
          await client.count();
          return primaryOf(client) !== 's1';
        }),
      ),
    );
    await Promise.all(started.map((client) => client.countUp(3)));
    frozen.thaw();
    await cluster.restore();

    for (const client of started) await isShownTheNewest(client, frozen);
    expect(await surplusOf(started)).toBeLessThanOrEqual(await explained(started, retriesBefore));
  });

  it('shows no older state when a frozen backup thaws that was replaced', async () => {
    const started = (await startClients(20)).filter((client) => backupOf(client) === 's2');
    expect(started.length).toBeGreaterThan(0);
    const frozen = cluster.node('s2');
    const retriesBefore = await cluster.retriesOf('/count');

    frozen.freeze();
    await Promise.all(started.map((client) => client.countUp(3)));
    // Most stay at their primary. On a busy machine that may be taken for gone too, and the third server goes on.
    expect(started.flatMap((client) => [primaryOf(client), backupOf(client)])).not.toContain('s2');
    frozen.thaw();
    await cluster.restore();

    for (const client of started) await isShownTheNewest(client, frozen);
    expect(await surplusOf(started)).toBeLessThanOrEqual(await explained(started, retriesBefore));
  });

  /** Checks that the client sees its newest state, even at a server that had an older one. */
  async function isShownTheNewest(client: CountingClient, server: SampleNode): Promise<void> {
    const direct = new CountingClient(server.url);
    for (const [name, value] of client.cookies) direct.cookies.set(name, value);
    const { status, text } = await direct.get('/count/peek');
    direct.close();
    const number = await client.number('/count/peek');
    expect([`200 counter=${number}`, '503']).toContain(status === 200 ? `200 ${text}` : `${status}`);
    expect(number).toBeGreaterThanOrEqual(client.told);
    await client.countUp(3);
    expect(client.lost).toEqual([]);
  }

  /** The counts beyond the acknowledged ones. */
  async function surplusOf(counting: readonly CountingClient[]): Promise<number> {
    const numbers = await Promise.all(counting.map((client) => client.number('/count/peek')));
    return numbers.reduce((sum, number, i) => sum + number - (counting[i]?.acknowledged ?? 0), 0);
  }

  /**
   * How many surplus counts are explained: by requests without an answer, and by requests that the balancer repeated.
   */
  async function explained(counting: readonly CountingClient[], retriesBefore: number): Promise<number> {
    const unanswered = counting.reduce((sum, { failures }) => sum + failures.length, 0);
    return unanswered + (await cluster.retriesOf('/count')) - retriesBefore;
  }
});
