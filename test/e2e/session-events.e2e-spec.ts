import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Query } from '@nestjs/common';
import { HttpSession, SessionEvents, SessionScoped } from 'nestjs-session-beans';
import { Client } from '../support/client.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';

@SessionScoped({ name: 'counter' })
class Counter {
  value = 0;
  note = '';
  last: unknown;
}

let gate: { arrive(): Promise<void> };

function gateFor(count: number): { arrive(): Promise<void> } {
  let open: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  let arrived = 0;
  return {
    arrive() {
      if (++arrived === count) open();
      return opened;
    },
  };
}

@Controller()
class EventController {
  constructor(
    private readonly session: HttpSession,
    private readonly counter: Counter,
  ) {}

  @Get()
  async do(@Query('steps') steps: string): Promise<string> {
    for (const step of steps.split(',')) {
      if (step === 'write') this.counter.value++;
      if (step === 'invalidate') await this.session.invalidate();
      if (step === 'renew') this.session.renewId();
      if (step === 'login') this.session.login('ann');
    }
    return steps;
  }

  @Get('note')
  async note(@Query('text') text: string): Promise<string> {
    this.counter.note = text;
    await gate.arrive();
    return text;
  }

  @Get('fail')
  fail(): never {
    this.counter.last = () => 'a function cannot be stored';
    throw new Error('failed');
  }
}

describe.each(adapters)('R46 SessionEvents, $adapter,', ({ adapter }) => {
  let server: TestApplication;
  let events: [string, object][];
  let stop: (() => void)[];
  let client: Client;
  beforeEach(async () => {
    events = [];
    server = await startApplication({ adapter, beans: [Counter], controllers: [EventController] });
    client = new Client(server.app);
    const source = server.app.get(SessionEvents);
    stop = (['started', 'renewed', 'invalidated', 'conflict', 'undecodable', 'notStored'] as const).map((name) =>
      source.on(name, (event) => void events.push([name, event])),
    );
  });
  afterEach(() => server.close());

  const run = (steps: string) => client.text(`/?steps=${steps}`);
  const names = () => events.map(([name]) => name);

  it('tell a session that started, once', async () => {
    await run('nothing');
    expect(events).toEqual([]);
    await run('write');
    await run('write');
    await run('nothing');
    expect(events).toEqual([['started', { session: expect.stringMatching(/^[\w-]{8}$/) }]]);
  });

  it('tell a new id, with the one before', async () => {
    await run('write');
    await run('renew');
    await run('login,write');
    expect(names()).toEqual(['started', 'renewed', 'renewed']);
    const [started, first, second] = events.map(([, event]) => event as { session: string; previous?: string });
    expect(first?.previous).toBe(started?.session);
    expect(second?.previous).toBe(first?.session);
  });

  it('tell an end, and nothing for what never was', async () => {
    await run('write,invalidate');
    await run('invalidate');
    expect(events).toEqual([]);
    await run('write');
    await run('write,invalidate,write');
    expect(names()).toEqual(['started', 'invalidated', 'started']);
    expect(events[1]?.[1]).toEqual(events[0]?.[1]);
    expect(events[2]?.[1]).not.toEqual(events[0]?.[1]);
  });

  it('tell a conflict, with bean and field, once for the request that lost', async () => {
    await run('write');
    gate = gateFor(2);
    const answers = await Promise.all(['one', 'two'].map((text) => client.get(`/note?text=${text}`)));
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([200, 409]);
    expect(events.slice(1)).toEqual([['conflict', { ...events[0]?.[1], bean: 'counter', field: 'note' }]]);
  });

  it('tell what a failed request could not store', async () => {
    await run('write');
    expect((await client.get('/fail')).status).toBe(500);
    expect(events.slice(1)).toEqual([
      [
        'notStored',
        { ...events[0]?.[1], error: expect.objectContaining({ message: expect.stringMatching(/^counter\.last /) }) },
      ],
    ]);
  });

  it('stop when they are told to', async () => {
    for (const one of stop) one();
    await run('write');
    expect(events).toEqual([]);
  });

  it('survive a listener that throws', async () => {
    server.app.get(SessionEvents).on('started', () => {
      throw new Error('listener');
    });
    expect(await run('write')).toBe('write');
    expect(names()).toEqual(['started']);
  });
});
