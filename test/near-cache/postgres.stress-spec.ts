import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { PostgresServer } from '../support/postgres-server.js';
import { faults } from './faults.js';
import { StressSetup } from './stress-setup.js';

describe('near cache in mode bounded, on PostgreSQL, 4 servers without stickiness, keeps every promise', () => {
  let setup: StressSetup<PostgresServer>;
  beforeAll(async () => {
    setup = await StressSetup.onPostgres({ mode: 'bounded' });
  });
  afterAll(() => setup?.stop());

  it('when a server is paused for 3 s', async () => {
    const result = await setup.run(() => faults.paused(setup.servers));
    expect(result.broken).toEqual({});
  });

  it('when PostgreSQL crashes and restarts', async () => {
    const result = await setup.run(() => faults.restarted(setup.store));
    expect(result.broken).toEqual({});
  });
});

it('near caches on PostgreSQL that are trusted without a lease are found out', async () => {
  const setup = await StressSetup.onPostgres({ mode: 'bounded', env: { PLANT: 'no-lease' } });
  try {
    const result = await setup.run(() => faults.blackHole(setup.servers, 'invalidations', 'toClient'));
    expect(result.broken).not.toEqual({});
  } finally {
    await setup.stop();
  }
});
