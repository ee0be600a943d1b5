import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisServer } from '../support/redis-server.js';
import { faults } from './faults.js';
import { StressSetup } from './stress-setup.js';

describe('near cache in mode bounded, 4 servers without stickiness, keeps every promise', () => {
  describe('on a Redis with persistence', () => {
    let setup: StressSetup<RedisServer>;
    beforeAll(async () => {
      setup = await StressSetup.start({ mode: 'bounded', redis: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    });
    afterAll(() => setup?.stop());

    it('when a server is paused for 3 s', async () => {
      const result = await setup.run(() => faults.paused(setup.servers));
      expect(result.broken).toEqual({});
    });

    it('when Redis crashes and restarts with all data', async () => {
      const result = await setup.run(() => faults.restarted(setup.store));
      expect(result.broken).toEqual({});
    });
  });

  describe('on a Redis without persistence', () => {
    let setup: StressSetup<RedisServer>;
    beforeAll(async () => {
      setup = await StressSetup.start({ mode: 'bounded' });
    });
    afterAll(() => setup?.stop());

    it('when Redis crashes and restarts empty', async () => {
      const result = await setup.run((load) => faults.restartedEmpty(setup.store, load));
      expect(result.broken).toEqual({});
      expect(result.outcomes['anonymous']).toBeGreaterThan(0);
    });

    it('when Redis is flushed repeatedly', async () => {
      const result = await setup.run((load) => faults.flushed(setup.store, load));
      expect(result.broken).toEqual({});
      expect(result.outcomes['anonymous']).toBeGreaterThan(0);
    });
  });
});
