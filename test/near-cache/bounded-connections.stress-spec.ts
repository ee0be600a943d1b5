import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostgresServer } from '../support/postgres-server.js';
import type { RedisServer } from '../support/redis-server.js';
import { faults } from './faults.js';
import { writingRoutes } from './route-mix.js';
import { StressSetup } from './stress-setup.js';

const stores = [
  {
    kind: 'Redis',
    start: async () => {
      const setup = await StressSetup.start({ mode: 'bounded' });
      const { store } = setup;
      const endNotices = (): Promise<void> => faults.killed(store, /name=session-beans:sink/);
      return { setup, endNotices, endOthers: () => faults.killed(store, /name=(?!session-beans:sink).*cmd=eval/) };
    },
  },
  {
    kind: 'PostgreSQL',
    start: async () => {
      const setup = await StressSetup.onPostgres({ mode: 'bounded' });
      const { store } = setup;
      const endNotices = (): Promise<void> => faults.terminated(store, /^LISTEN/);
      return { setup, endNotices, endOthers: () => faults.terminated(store, /^(?!LISTEN)/) };
    },
  },
];

describe.each(stores)('near cache in mode bounded, on $kind, 4 servers, keeps every promise', ({ start }) => {
  let setup: StressSetup<RedisServer | PostgresServer>;
  let endNotices: () => Promise<void>;
  let endOthers: () => Promise<void>;
  beforeAll(async () => {
    ({ setup, endNotices, endOthers } = await start());
  });
  afterAll(() => setup?.stop());

  it('when nothing fails, and serves without asking the store', async () => {
    const result = await setup.run();
    expect(result.broken).toEqual({});
    // The exact number depends on the machine: when it is busy, servers hear less often that they missed nothing.
    expect(result.unasked).toBeGreaterThan(0);
  });

  it('when its connections for notices are ended', async () => {
    const result = await setup.run(endNotices);
    expect(result.broken).toEqual({});
  });

  it('when its other connections are ended', async () => {
    const result = await setup.run(endOthers);
    expect(result.broken).toEqual({});
  });

  it.each([
    ['invalidations', 'toServer'],
    ['invalidations', 'toClient'],
    ['data', 'toServer'],
    ['data', 'toClient'],
  ] as const)('when a black hole takes the %s %s', async (role, direction) => {
    const result = await setup.run(() => faults.blackHole(setup.servers, role, direction));
    expect(result.broken).toEqual({});
  });

  it('when all notices and answers of the store are late', async () => {
    setup.slowDown({ invalidations: 150, data: 60 });
    const result = await setup.run(undefined, { routes: writingRoutes });
    expect(result.broken).toEqual({});
  });
});
