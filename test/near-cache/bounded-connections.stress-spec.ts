import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisServer } from '../support/redis-server.js';
import { faults } from './faults.js';
import { writingRoutes } from './route-mix.js';
import { StressSetup } from './stress-setup.js';

describe('near cache in mode bounded, 4 servers without stickiness, keeps every promise', () => {
  let setup: StressSetup<RedisServer>;
  beforeAll(async () => {
    setup = await StressSetup.start({ mode: 'bounded' });
  });
  afterAll(() => setup?.stop());

  it('when nothing fails, and serves without asking the store', async () => {
    const result = await setup.run();
    expect(result.broken).toEqual({});
    // The exact number depends on the machine: when it is busy, servers hear less often that they missed nothing.
    expect(result.unasked).toBeGreaterThan(0);
  });

  it('when its invalidation connections are killed', async () => {
    const result = await setup.run(() => faults.killed(setup.store, /name=session-beans:sink/));
    expect(result.broken).toEqual({});
  });

  it('when its data connections are killed', async () => {
    const result = await setup.run(() => faults.killed(setup.store, /name=(?!session-beans:sink).*cmd=eval/));
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

  it('when all invalidations and answers of Redis are late', async () => {
    setup.slowDown({ invalidations: 150, data: 60 });
    const result = await setup.run(undefined, { routes: writingRoutes });
    expect(result.broken).toEqual({});
  });
});
