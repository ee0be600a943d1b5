import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, NotFoundException, Post, Query } from '@nestjs/common';
import { HttpSession, SessionLock, SessionScoped } from 'nestjs-session-beans';
import {
  SessionObservabilityModule,
  type SessionRequestRecord,
  SessionTiming,
  TIMING_PHASES,
  type TimingPhase,
} from 'nestjs-session-beans/observability';
import { Client } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { RawClient } from '../support/raw-client.js';
import { eventually } from '../support/eventually.js';
import { type TestApplication, platforms, startApplication } from '../support/platforms.js';
import { dominantPhase, dominantWork, sumOfPhases } from './phases-of-requests.js';
import { RequestRecords } from './request-records.js';

@SessionScoped({ name: 'notes' })
class Notes {
  lines: string[] = [];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The number of requests in the slow handlers. */
let running = 0;

/** The handler `held` waits until this opens. */
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

/**
 * The record of a request that spends most of its time in this phase. A busy machine may delay a single request
 * anywhere, so it is repeated. A phase that is measured wrongly is dominant in none of the records.
 */
async function expectRecordIn(
  phase: TimingPhase,
  ask: () => Promise<SessionRequestRecord>,
): Promise<SessionRequestRecord> {
  for (let attempt = 1; attempt < 20; attempt++) {
    const record = await ask();
    if (dominantWork(record) === phase) return record;
  }
  const record = await ask();
  expect(dominantWork(record)).toBe(phase);
  return record;
}

describe.each(platforms)('the record of a request, $adapter, $mode', ({ adapter, scope }) => {
  let server: TestApplication;
  let records: RequestRecords;
  let client: Client;
  const get = (path: string) => records.of(() => client.text(`/${path}`));
  const post = (path: string) => records.of(() => client.post(`/${path}`));

  beforeAll(async () => {
    records = new RequestRecords();
    server = await startApplication({
      adapter,
      scope,
      beans: [Notes],
      controllers: [NotesController, PlainController],
      imports: [SessionObservabilityModule.forRoot({ nodeName: 's1' })],
    });
    client = new Client(server.app);
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

  it('contains the loaded, touched, changed and stored parts of the session', async () => {
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

  it('attributes the time to a handler that computes', async () => {
    await expectRecordIn('application', () => get('notes/compute'));
    await expectRecordIn('application', () => get('slow'));
  });

  it('attributes the time to a service that the handler calls', async () => {
    const calling = await expectRecordIn('downstream', async () => {
      const fetched = await get(`notes/fetch?url=${encodeURIComponent(`${server.url}/slow`)}`);
      // The request that the handler sends has a record too, which comes first.
      return fetched.handler === 'PlainController.slow' ? (records.all.at(-1) ?? fetched) : fetched;
    });
    const told = await expectRecordIn('downstream', () => get('notes/told'));

    expect(calling).toMatchObject({ handler: 'NotesController.fetch' });
    expect(calling.downstream).toMatchObject([{ name: new URL(server.url).host, calls: 1 }]);
    expect(told.downstream).toMatchObject([{ name: 'billing', calls: 2 }]);
    // The two calls overlap, so the request waited for less than their sum.
    expect(told.phaseSeconds.downstream).toBeLessThan(told.downstream[0]?.seconds ?? 0);
  });

  it('attributes the time to a slow store', async () => {
    server.store.before = () => pause(120);
    try {
      await expectRecordIn('sessionLoad', () => get('notes'));
      // A write waits for the store twice: whether the load or the save is longer is chance.
      await expectRecordIn('sessionSave', () => post('notes'));
    } finally {
      server.store.before = () => undefined;
    }
  });

  it('attributes the time to a lock that another request holds', async () => {
    const send = () => client.text('/notes/locked');
    await expectRecordIn('lockWait', async () => {
      const before = records.all.length;
      // The third request waits for two others, which takes twice as long as its own work.
      const first = await records.of(() => Promise.all([send(), send(), send()]));
      return records.all.slice(before).find((record) => dominantWork(record) === 'lockWait') ?? first;
    });
  });

  it('attributes the time to the queue when another request blocks the event loop', async () => {
    const before = records.all.length;
    // The first request blocks the event loop, so that the others can only wait in their sockets.
    const paths = ['notes/compute', 'ping', 'ping', 'ping'];
    await Promise.all([...paths, ...paths].map((path) => client.text(`/${path}`)));
    const pings = records.all.slice(before).filter(({ handler }) => handler === 'PlainController.ping');

    expect(pings.map(dominantPhase)).toContain('queue');
  });

  it('attributes the time to a large bean', async () => {
    const big = new Client(server.app);
    await records.of(() => big.post('/notes/many'));
    const record = await records.of(() => big.text('/notes'));

    expect(record.phaseSeconds.decode + record.phaseSeconds.encode).toBeGreaterThan(
      (record.durationSeconds - record.phaseSeconds.queue) / 2,
    );
    expect(record.largestBean).toBe('notes');
    expect(record.bytes.session).toBeGreaterThan(500_000);
  });

  it('is published when the client disconnects', async () => {
    letGo = new Latch();
    const record = await records.of(async () => {
      const leaving = client.agent.get('/held');
      const left = leaving.catch((error: Error) => error.message);
      await eventually('the handler runs', () => running > 0);
      leaving.abort();
      expect(await left).toBe('Aborted');
    });

    expect(record).toMatchObject({ handler: 'PlainController.held', isComplete: false });
    letGo.open();
    await eventually('the handler has ended', () => running === 0);
  });

  it('is published for each of several pipelined requests whose connection ends', async () => {
    const before = records.all.length;
    letGo = new Latch();
    const connection = await RawClient.open(server.url);
    connection.socket.write('GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3));
    await eventually('the handlers run', () => running === 3);
    connection.socket.destroy();

    await eventually('three records', () => records.all.length === before + 3);
    expect(records.all.slice(before).map(({ isComplete }) => isComplete)).toEqual([false, false, false]);
    letGo.open();
    await eventually('the handlers have ended', () => running === 0);
  });

  it('includes the end of a session', async () => {
    const other = new Client(server.app);
    await records.of(() => other.post('/notes'));
    server.store.before = async (operation) => {
      // A long pause, because there is only one request: if the machine stalls, it must not wait longer for the event
      // loop.
      if (operation === 'destroy') await pause(500);
    };
    const record = await records.of(() => other.text('/notes/ends'));
    server.store.before = () => undefined;

    expect(record.session).toMatch(/^[\w-]{8}$/);
    expect(dominantWork(record)).toBe('sessionSave');
  });
});
