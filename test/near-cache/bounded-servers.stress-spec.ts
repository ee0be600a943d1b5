import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { faults } from './faults.js';
import { StressBed } from './stress-bed.js';

describe('near cache in mode bounded, 4 servers without stickiness, keeps every promise', () => {
  describe('on a Redis that keeps what it has', () => {
    let bed: StressBed;
    beforeAll(async () => {
      bed = await StressBed.start({ mode: 'bounded', redis: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    });
    afterAll(() => bed?.stop());

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
      bed = await StressBed.start({ mode: 'bounded' });
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
