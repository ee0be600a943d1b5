import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, NotFoundException, Post, Query } from '@nestjs/common';
import { HttpSession, SessionLock, SessionScoped } from 'nestjs-session-beans';
import { SessionObservabilityModule, SessionTiming, TIMING_PHASES } from 'nestjs-session-beans/observability';
import { CookieJar } from '../support/cookie-jar.js';
import { Latch } from '../support/latch.js';
import { RawClient } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';
import { dominantPhase, dominantWork, sumOfPhases, together } from './phase-sums.js';
import { RequestRecords } from './request-records.js';

@SessionScoped({ name: 'notes' })
class Notes {
  lines: string[] = [];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Requests in the slow handlers. */
let running = 0;

/** What `held` waits for. */
let letGo = new Latch();

function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

@Controller('notes')
class NotesController {
  @Inject() private readonly notes!: Notes;
  @Inject() private readonly session!: HttpSession;
  @Inject() private readonly timing!: SessionTiming;

  @Get() read(): number {
    return this.notes.lines.length;
  }

  @Post() write(): number {
    return this.notes.lines.push('a line');
  }

  @Post('many') many(): void {
    for (let i = 0; i < 60_000; i++) this.notes.lines.push(`line ${i}`);
  }

  @Get('compute') compute(): number {
    compute(120);
    return this.notes.lines.length;
  }

  @Get('fetch') async fetch(@Query('url') url: string): Promise<string> {
    return (await fetch(url)).text();
  }

  @Get('told') async told(): Promise<string> {
    await Promise.all([this.timing.downstream('billing', pause(120)), this.timing.downstream('billing', pause(120))]);
    return 'ok';
  }

  @Get('locked') @SessionLock() async locked(): Promise<string> {
    await pause(120);
    return 'ok';
  }

  @Get('fails') fails(): never {
    this.notes.lines.push('before it failed');
    throw new NotFoundException();
  }

  @Get('ends') async ends(): Promise<string> {
    await this.session.invalidate();
    return 'ended';
  }
}

@Controller()
class PlainController {
  @Get('ping') ping(): string {
    return 'pong';
  }

  @Get('slow') async slow(): Promise<string> {
    running++;
    await pause(120);
    running--;
    return 'slow';
  }

  @Get('held') async held(): Promise<string> {
    running++;
    await letGo.opened;
    running--;
    return 'held';
  }
}

describe.each(platforms)('the record of a request, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  let records: RequestRecords;
  let jar: CookieJar;
  const get = (path: string) => records.of(() => jar.text(`${server.url}/${path}`));
  /** Several, one after the other: a busy machine may hold up one of them anywhere. */
  const inTurn = async (path: string) => together([await get(path), await get(path), await get(path)]);
  const post = (path: string) =>
    records.of(async () => (await jar.fetch(`${server.url}/${path}`, { method: 'POST' })).text());

  beforeAll(async () => {
    records = new RequestRecords();
    server = await startApplication({
      adapter,
      scope,
      beans: [Notes],
      controllers: [NotesController, PlainController],
      imports: [SessionObservabilityModule.forRoot({ nodeName: 's1' })],
    });
    jar = new CookieJar();
    await get('ping');
    await post('notes');
  });
  afterAll(async () => {
    records.stop();
    await server.close();
  });

  it('has phases that add up to its total', async () => {
    for (const path of [
      'notes',
      'notes/compute',
      'notes/told',
      'notes/locked',
      'notes/fails',
      'ping',
      'slow',
      'nowhere',
    ]) {
      const record = await get(path);
      expect(record.durationSeconds).toBeGreaterThan(0);
      expect(Math.abs(sumOfPhases(record) / record.durationSeconds - 1)).toBeLessThan(0.05);
      for (const phase of TIMING_PHASES) expect(record.phaseSeconds[phase]).toBeGreaterThanOrEqual(0);
    }
  });

  it('names the handler, the status, the node and the session', async () => {
    const first = await get('notes');
    const second = await get('notes');

    expect(first).toMatchObject({
      nodeName: 's1',
      handler: 'NotesController.read',
      method: 'GET',
      status: 200,
      isComplete: true,
    });
    expect(first.session).toMatch(/^[\w-]{8}$/);
    expect(second.session).toBe(first.session);
    expect(await get('nowhere')).toMatchObject({ handler: undefined, status: 404, session: undefined });
  });

  it('tells what was loaded, touched, changed and stored', async () => {
    const written = await post('notes');
    const read = await get('notes');

    expect(written).toMatchObject({ touched: ['notes'], changed: ['notes'], cache: 'miss', largestBean: 'notes' });
    expect(written.bytes.saved).toBeGreaterThan(written.bytes.loaded);
    expect(read).toMatchObject({
      touched: ['notes'],
      changed: [],
      bytes: { saved: 0, session: written.bytes.session },
    });
    expect(read.bytes.loaded).toBe(read.bytes.session);
  });

  it('finds the time in the handler that computes', async () => {
    expect(dominantWork(await inTurn('notes/compute'))).toBe('application');
    expect(dominantWork(await inTurn('slow'))).toBe('application');
  });

  it('finds the time in the service that the handler calls', async () => {
    const fetched = await get(`notes/fetch?url=${encodeURIComponent(`${server.url}/slow`)}`);
    // The request that it made has a record, too, and is over first.
    const calling = fetched.handler === 'PlainController.slow' ? records.all.at(-1) : fetched;
    const told = await get('notes/told');
    const toldAgain = await inTurn('notes/told');

    expect(calling).toMatchObject({ handler: 'NotesController.fetch' });
    expect(calling && dominantWork(calling)).toBe('downstream');
    expect(calling?.downstream).toMatchObject([{ name: new URL(server.url).host, calls: 1 }]);
    expect(dominantWork(toldAgain)).toBe('downstream');
    expect(told.downstream).toMatchObject([{ name: 'billing', calls: 2 }]);
    // Two at once: what the request waited is less than what they took together.
    expect(told.phaseSeconds.downstream).toBeLessThan(told.downstream[0]?.seconds ?? 0);
  });

  it('finds the time in the store that is slow', async () => {
    server.store.before = () => pause(120);
    const read = await inTurn('notes');
    const written = await post('notes');
    server.store.before = () => undefined;

    expect(dominantWork(read)).toBe('sessionLoad');
    expect(['sessionLoad', 'sessionSave']).toContain(dominantWork(written));
    expect(written.phaseSeconds.sessionSave).toBeGreaterThan(written.phaseSeconds.application);
  });

  it('finds the time in the lock that another request has', async () => {
    const before = records.all.length;
    const send = () => jar.text(`${server.url}/notes/locked`);
    // The third waits for two others: twice as long as it runs itself.
    await records.of(() => Promise.all([send(), send(), send()]));

    expect(records.all.slice(before).map(dominantWork)).toContain('lockWait');
  });

  it('finds the time in the queue when another request blocks the event loop', async () => {
    const before = records.all.length;
    // The first fills the event loop; what comes meanwhile can only wait in its sockets.
    const paths = ['notes/compute', 'ping', 'ping', 'ping'];
    await Promise.all([...paths, ...paths].map((path) => jar.text(`${server.url}/${path}`)));
    const pings = records.all.slice(before).filter(({ handler }) => handler === 'PlainController.ping');

    expect(pings.map(dominantPhase)).toContain('queue');
  });

  it('finds the time in the bean that is large', async () => {
    const big = new CookieJar();
    await records.of(() => big.fetch(`${server.url}/notes/many`, { method: 'POST' }));
    const record = await records.of(() => big.text(`${server.url}/notes`));

    expect(record.phaseSeconds.decode + record.phaseSeconds.encode).toBeGreaterThan(
      (record.durationSeconds - record.phaseSeconds.queue) / 2,
    );
    expect(record.largestBean).toBe('notes');
    expect(record.bytes.session).toBeGreaterThan(500_000);
  });

  it('is published when the client has left', async () => {
    const record = await records.of(async () => {
      const abort = new AbortController();
      const leaving = jar.fetch(`${server.url}/slow`, { signal: abort.signal }).catch(() => undefined);
      await eventually('the handler runs', () => running > 0);
      abort.abort();
      await leaving;
    });

    expect(record).toMatchObject({ handler: 'PlainController.slow', isComplete: false });
  });

  it('is published for each of several requests in a row on a connection that ends', async () => {
    const before = records.all.length;
    letGo = new Latch();
    const client = await RawClient.open(server.url);
    client.socket.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
    await eventually('the handlers run', () => running === 3);
    client.socket.destroy();

    await eventually('three records', () => records.all.length === before + 3);
    expect(records.all.slice(before).map(({ isComplete }) => isComplete)).toEqual([false, false, false]);
    letGo.open();
    await eventually('the handlers have ended', () => running === 0);
  });

  it('says that a session was ended', async () => {
    const other = new CookieJar();
    await records.of(() => other.fetch(`${server.url}/notes`, { method: 'POST' }));
    server.store.before = async (operation) => {
      // Long, since there is one request only: a machine that stands still for as long makes it wait for the event loop
      // instead.
      if (operation === 'destroy') await pause(500);
    };
    const record = await records.of(() => other.text(`${server.url}/notes/ends`));
    server.store.before = () => undefined;

    expect(record.session).toMatch(/^[\w-]{8}$/);
    expect(dominantWork(record)).toBe('sessionSave');
  });
});
