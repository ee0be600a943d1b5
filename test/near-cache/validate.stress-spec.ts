import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisServer } from '../support/redis-server.js';
import { faults } from './faults.js';
import { StressSetup } from './stress-setup.js';

describe('near cache in mode validate, 4 servers without stickiness, keeps every promise, with no stale read,', () => {
  describe('on a Redis with persistence', () => {
    let setup: StressSetup<RedisServer>;
    beforeAll(async () => {
      setup = await StressSetup.start({ mode: 'validate', redis: ['--appendonly', 'yes', '--appendfsync', 'always'] });
    });
    afterAll(() => setup?.stop());

    it('when nothing fails', async () => {
      const result = await setup.run();
      expect(result.broken).toEqual({});
      expect(result.outcomes['ok']).toBeGreaterThan(0);
    });

    it('when its connections are killed', async () => {
      const result = await setup.run(() => faults.killed(setup.store, /cmd=eval/));
      expect(result.broken).toEqual({});
    });

    it.each(['toServer', 'toClient'] as const)(
      'when the network swallows all traffic in the direction %s',
      async (direction) => {
        const result = await setup.run(() => faults.blackHole(setup.servers, 'data', direction));
        expect(result.broken).toEqual({});
      },
    );

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
      setup = await StressSetup.start({ mode: 'validate' });
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
