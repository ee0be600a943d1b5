import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Post } from '@nestjs/common';
import { MemorySessionStore, Merge, SessionScoped } from 'nestjs-session-beans';
import { SessionObservabilityModule } from 'nestjs-session-beans/observability';
import { CookieJar } from '../support/cookie-jar.js';
import { CountingStore } from '../support/counting-store.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, startApplication } from '../support/platforms.js';
import { RequestRecords } from './request-records.js';

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') votes = 0;
  leader = '';
}

/** Where `slow` waits, between its read and its end. */
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

describe('the record of a request that meets others', () => {
  const store = new CountingStore(new MemorySessionStore(), { shared: true });
  let servers: TestApplication[];
  let records: RequestRecords;
  let jar: CookieJar;

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
    jar = new CookieJar();
    await send('vote');
  });
  afterAll(async () => {
    records.stop();
    await Promise.all(servers.map((server) => server.app.close()));
  });

  const send = (path: string, server = 0, method = 'POST') =>
    records.of(() => jar.fetch(`${servers[server]?.url}/${path}`, { method }));

  /** A request of the first server, during which the second serves one. */
  async function during(path: string) {
    [reached, passed] = [new Latch(), new Latch()];
    const slow = jar.fetch(`${servers[0]?.url}/${path}`, { method: 'POST' });
    await reached.opened;
    await send('vote', 1);
    return records.of(async () => {
      passed.open();
      await slow;
    });
  }

  it('counts a retry when another server was quicker and the changes merge', async () => {
    expect(await during('slow')).toMatchObject({ nodeName: 's1', status: 201, retries: 1, conflicts: 0 });
  });

  it('counts a conflict when they do not', async () => {
    expect(await during('conflict')).toMatchObject({ nodeName: 's1', status: 409, conflicts: 1 });
  });

  it('says that the balancer did not follow the route', async () => {
    const there = await send('', 0, 'GET');
    const elsewhere = await send('', 1, 'GET');

    expect(there).toMatchObject({ nodeName: 's1', locator: 'route', isMisrouted: false });
    expect(elsewhere).toMatchObject({ nodeName: 's2', locator: 'route', isMisrouted: true });
    expect(await records.of(() => fetch(`${servers[1]?.url}/`))).toMatchObject({ locator: 'none', isMisrouted: false });
  });

  it('says which id the balancer gave the request, unless it could be something else', async () => {
    const sent = (id: string) => records.of(() => fetch(`${servers[0]?.url}/`, { headers: { 'X-Request-Id': id } }));

    expect(await sent('6f1c0e6e-2b7c-4c1d-9c55-0d6cf37a8c11')).toMatchObject({
      requestId: '6f1c0e6e-2b7c-4c1d-9c55-0d6cf37a8c11',
    });
    expect(await sent('of-the-client, of-the-balancer')).toMatchObject({ requestId: 'of-the-balancer' });
    expect(await sent('x'.repeat(43))).toMatchObject({ requestId: undefined });
    expect(await sent('<script>')).toMatchObject({ requestId: undefined });
  });
});

describe('the record of a request, with a near cache of its own', () => {
  it('says that this server was not even asked', async () => {
    const records = new RequestRecords();
    const server = await startApplication({
      adapter: 'express',
      beans: [Tally],
      controllers: [TallyController],
      session: { nearCache: { mode: 'validate' } },
      imports: [SessionObservabilityModule.forRoot()],
    });
    const jar = new CookieJar();
    await records.of(() => jar.fetch(`${server.url}/vote`, { method: 'POST' }));
    await records.of(() => jar.fetch(server.url));
    const record = await records.of(() => jar.fetch(server.url));
    records.stop();
    await server.close();

    expect(record).toMatchObject({ cache: 'hit', bytes: { loaded: 0 } });
  });
});
