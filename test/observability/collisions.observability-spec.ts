import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post } from '@nestjs/common';
import { MemorySessionStore, Merge, SessionScoped } from 'nestjs-session-beans';
import { SessionObservabilityModule } from 'nestjs-session-beans/observability';
import { Client } from '../support/client.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RequestRecords } from './request-records.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') votes = 0;
  leader = '';
}

/** `slow` and `conflict` open `reached` after their read, and wait for `passed` before they end. */
let reached = new Latch();
let passed = new Latch();

@Controller()
class TallyController {
  @Inject() private readonly tally!: Tally;

  @Get() read(): number {
    return this.tally.votes;
  }

  @Post('vote') vote(): void {
    this.tally.votes++;
    this.tally.leader = `vote ${this.tally.votes}`;
  }

  @Post('slow') async slow(): Promise<void> {
    this.tally.votes++;
    reached.open();
    await passed.opened;
  }

  @Post('conflict') async conflict(): Promise<void> {
    this.tally.leader = 'slow';
    reached.open();
    await passed.opened;
  }
}

describe('the record of a request that overlaps with others', () => {
  const store = new CountingStore(new MemorySessionStore(), { shared: true });
  let servers: TestApplication[];
  let records: RequestRecords;
  let client: Client;

  beforeAll(async () => {
    records = new RequestRecords();
    servers = await Promise.all(
      ['s1', 's2'].map((node) =>
        startApplication({
          adapter: 'express',
          beans: [Tally],
          controllers: [TallyController],
          store,
          session: { nodeName: node },
          imports: [SessionObservabilityModule.forRoot()],
        }),
      ),
    );
    client = new Client();
    await send('vote');
  });
  afterAll(async () => {
    records.stop();
    await Promise.all(servers.map((server) => server.app.close()));
  });

  const send = (path: string, server = 0, method: 'GET' | 'POST' = 'POST') => {
    const url = `${servers[server]?.url}/${path}`;
    return records.of(() => (method === 'GET' ? client.get(url) : client.post(url)));
  };

  /** Sends a request to the first server. While it runs, the second server handles a vote. */
  async function during(path: string) {
    [reached, passed] = [new Latch(), new Latch()];
    const slow = client.post(`${servers[0]?.url}/${path}`);
    await reached.opened;
    await send('vote', 1);
    return records.of(async () => {
      passed.open();
      await slow;
    });
  }

  it('counts a retry when another server saves first and the changes merge', async () => {
    expect(await during('slow')).toMatchObject({ nodeName: 's1', status: 201, retries: 1, conflicts: 0 });
  });

  it('counts a conflict when another server saves first and the changes do not merge', async () => {
    expect(await during('conflict')).toMatchObject({ nodeName: 's1', status: 409, conflicts: 1 });
  });

  it('tells whether the balancer followed the route', async () => {
    const there = await send('', 0, 'GET');
    const elsewhere = await send('', 1, 'GET');

    expect(there).toMatchObject({ nodeName: 's1', locator: 'route', isMisrouted: false });
    expect(elsewhere).toMatchObject({ nodeName: 's2', locator: 'route', isMisrouted: true });
    expect(await records.of(() => new Client().get(`${servers[1]?.url}/`))).toMatchObject({
      locator: 'none',
      isMisrouted: false,
    });
  });

  it('contains the request id of the balancer, unless it could be a session id or markup', async () => {
    const sent = (id: string) => records.of(() => new Client().get(`${servers[0]?.url}/`, { 'X-Request-Id': id }));

    expect(await sent('6f1c0e6e-2b7c-4c1d-9c55-0d6cf37a8c11')).toMatchObject({
      requestId: '6f1c0e6e-2b7c-4c1d-9c55-0d6cf37a8c11',
    });
    expect(await sent('of-the-client, of-the-balancer')).toMatchObject({ requestId: 'of-the-balancer' });
    expect(await sent('x'.repeat(65))).toMatchObject({ requestId: undefined });
    expect(await sent('<script>')).toMatchObject({ requestId: undefined });
  });
});

describe('the record of a request to a server with a near cache', () => {
  it('reports a hit when the store was not asked', async () => {
    const records = new RequestRecords();
    const server = await startApplication({
      adapter: 'express',
      beans: [Tally],
      controllers: [TallyController],
      session: { nearCache: { mode: 'validate' } },
      imports: [SessionObservabilityModule.forRoot()],
    });
    const client = new Client(server.app);
    await records.of(() => client.post('/vote'));
    await records.of(() => client.get('/'));
    const record = await records.of(() => client.get('/'));
    records.stop();
    await server.close();

    expect(record).toMatchObject({ cache: 'hit', bytes: { loaded: 0 } });
  });
});
