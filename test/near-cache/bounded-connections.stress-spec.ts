import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faults } from './faults.js';
import { writingRoutes } from './route-mix.js';
import { StressBed } from './stress-bed.js';

describe('near cache in mode bounded, 4 servers without stickiness, keeps every promise', () => {
  let bed: StressBed;
  beforeAll(async () => {
    bed = await StressBed.start({ mode: 'bounded' });
  });
  afterAll(() => bed?.stop());

  it('when nothing is wrong, and serves without asking', async () => {
    const result = await bed.run();
    expect(result.broken).toEqual({});
    // How many depends on how often a busy machine lets the servers hear that nothing was missed.
    expect(result.unasked).toBeGreaterThan(0);
  });

  it('when the connections that tell it what others change are killed', async () => {
    const result = await bed.run(() => faults.killed(bed.redis, /name=session-beans:sink/));
    expect(result.broken).toEqual({});
  });

  it('when the connections that it reads and writes on are killed', async () => {
    const result = await bed.run(() => faults.killed(bed.redis, /name=(?!session-beans:sink).*cmd=eval/));
    expect(result.broken).toEqual({});
  });

  it.each([
    ['invalidations', 'toServer'],
    ['invalidations', 'toClient'],
    ['data', 'toServer'],
    ['data', 'toClient'],
  ] as const)('when a black hole takes the %s %s', async (role, direction) => {
    const result = await bed.run(() => faults.blackHole(bed.servers, role, direction));
    expect(result.broken).toEqual({});
  });

  it('when all news and answers are late', async () => {
    bed.slowDown({ invalidations: 150, data: 60 });
    const result = await bed.run(undefined, { routes: writingRoutes });
    expect(result.broken).toEqual({});
  });
});
