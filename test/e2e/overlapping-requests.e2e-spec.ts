import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject } from '@nestjs/common';
import { Merge, SessionEvents, SessionScoped } from 'nestjs-session-beans';
import type { Response } from 'supertest';
import { Client } from '../support/client.js';
import { Latch } from '../support/latch.js';
import { type TestApplication, adapters, startApplication } from '../support/platforms.js';
import { rounds } from '../support/rounds.js';

const REQUESTS = rounds(100, 500);

@SessionScoped({ name: 'tally' })
class Tally {
  @Merge('sum') summed = 0;
  plain = 0;
  left = '';
  right = '';
}

let seed = 1;
/** 0 to 5 ms, the same in every run. */
function pause(): Promise<void> {
  seed = (seed * 48_271) % 2_147_483_647;
  return setTimeout(seed % 6);
}

let arrivals = 0;
let bothThere = new Latch();
let allDone = new Latch();

@Controller()
class TallyController {
  @Inject() private readonly tally!: Tally;

  @Get('summed') async summed(): Promise<string> {
    const { summed } = this.tally;
    await pause();
    this.tally.summed = summed + 1;
    if (++arrivals === REQUESTS) allDone.open();
    return 'ok';
  }

  @Get('plain') async plain(): Promise<string> {
    const { plain } = this.tally;
    await pause();
    this.tally.plain = plain + 1;
    return 'ok';
  }

  @Get('left') async left(): Promise<string> {
    return this.meet(() => (this.tally.left = 'L'));
  }

  @Get('right') async right(): Promise<string> {
    return this.meet(() => (this.tally.right = 'R'));
  }

  @Get('tally') read(): object {
    return { ...this.tally };
  }

  private async meet(change: () => void): Promise<string> {
    change();
    if (++arrivals === 2) bothThere.open();
    await bothThere.opened;
    return 'ok';
  }
}

describe.each(adapters)('R16 overlapping requests of one session, $adapter', ({ adapter }) => {
  let server: TestApplication;
  let client: Client;
  beforeAll(async () => {
    server = await startApplication({ adapter, beans: [Tally], controllers: [TallyController] });
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    server.store.before = () => undefined;
    client = new Client(server.app);
    await client.text('/summed');
    [arrivals, bothThere, allDone] = [0, new Latch(), new Latch()];
    server.store.reset();
  });

  async function requests(path: string): Promise<Response[]> {
    return Promise.all(Array.from({ length: REQUESTS }, () => client.get(`/${path}`)));
  }
  const tally = async (): Promise<Tally> => JSON.parse(await client.text('/tally')) as Tally;

  it('all succeed where a rule says how to merge, in far fewer saves', async () => {
    // The first save is under way until all have done their work.
    server.store.before = (operation) => (operation === 'save' ? allDone.opened : undefined);
    const responses = await requests('summed');
    expect(responses.filter(({ status }) => status !== 200)).toEqual([]);
    expect((await tally()).summed).toBe(REQUESTS + 1);
    expect(server.store.calls.save).toBeLessThan(REQUESTS / 10);
  });

  it('lose nothing where no rule does: each is stored, or told that it is not', async () => {
    const conflicts: unknown[] = [];
    const stop = server.app.get(SessionEvents).on('conflict', (event) => conflicts.push(event));
    // As far away as a store usually is.
    server.store.before = (operation) => (operation === 'save' ? setTimeout(5) : undefined);
    const responses = await requests('plain');
    stop();
    const [stored, refused] = [200, 409].map((code) => responses.filter(({ status }) => status === code));
    expect((stored?.length ?? 0) + (refused?.length ?? 0)).toBe(REQUESTS);
    expect(stored?.length).toBeGreaterThan(0);
    expect(refused?.length).toBeGreaterThan(0);
    expect((await tally()).plain).toBe(stored?.length);
    expect(conflicts).toHaveLength(refused?.length ?? 0);
    expect(conflicts[0]).toMatchObject({ conflicts: [{ bean: 'tally', field: 'plain' }] });
    const bodies = new Set((refused ?? []).map((response) => response.text));
    expect([...bodies].map((body) => JSON.parse(body) as unknown)).toEqual([
      { statusCode: 409, message: 'Conflict', code: 'SESSION_CONFLICT' },
    ]);
  });

  it('R17 change two fields of one bean, and both survive', async () => {
    const responses = await Promise.all(['left', 'right'].map((path) => client.get(`/${path}`)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
    expect(await tally()).toMatchObject({ left: 'L', right: 'R' });
  });
});
