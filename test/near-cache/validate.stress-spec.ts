import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faults } from './faults.js';
import { StressBed } from './stress-bed.js';

describe('near cache in mode validate, 4 servers without stickiness, keeps all promises and reads nothing stale', () => {
  describe('on a Redis that keeps what it has', () => {
    let bed: StressBed;
    beforeAll(async () => {
      bed = await StressBed.start({ mode: 'validate', redis: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    });
    afterAll(() => bed?.stop());

    it('when nothing is wrong', async () => {
      const result = await bed.run();
      expect(result.broken).toEqual({});
      expect(result.outcomes['ok']).toBeGreaterThan(0);
    });

    it('when its connections are killed', async () => {
      const result = await bed.run(() => faults.killed(bed.redis, /cmd=eval/));
      expect(result.broken).toEqual({});
    });

    it.each(['toServer', 'toClient'] as const)('when a black hole takes everything %s', async (direction) => {
      const result = await bed.run(() => faults.blackHole(bed.servers, 'data', direction));
      expect(result.broken).toEqual({});
    });

    it('when a server is paused for 3 s', async () => {
      const result = await bed.run(() => faults.paused(bed.servers));
      expect(result.broken).toEqual({});
    });

    it('when Redis crashes and comes back with everything', async () => {
      const result = await bed.run(() => faults.restarted(bed.redis));
      expect(result.broken).toEqual({});
    });
  });

  describe('on a Redis that keeps nothing', () => {
    let bed: StressBed;
    beforeAll(async () => {
      bed = await StressBed.start({ mode: 'validate' });
    });
    afterAll(() => bed?.stop());

    it('when Redis crashes and comes back empty', async () => {
      const result = await bed.run((load) => faults.restartedEmpty(bed.redis, load));
      expect(result.broken).toEqual({});
      expect(result.outcomes['anonymous']).toBeGreaterThan(0);
    });

    it('when everything is flushed, again and again', async () => {
      const result = await bed.run((load) => faults.flushed(bed.redis, load));
      expect(result.broken).toEqual({});
      expect(result.outcomes['anonymous']).toBeGreaterThan(0);
    });
  });
});
