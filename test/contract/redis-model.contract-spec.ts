import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisServer } from '../support/redis-server.js';
import { firstDifference, storeCommands } from './store-commands.js';
import { interleavingBreaks } from './interleaving-breaks.js';
import { ManualRedis } from './manual-redis.js';
import { newAccess } from '../support/redis-stores.js';
import { overwrite, versionOf, withMethods } from './broken-stores.js';
import { redisPlantedBugs } from './redis-planted-bugs.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';

describe('the Redis store', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  const withRedis = async <T>(name: string, use: (redis: ManualRedis) => Promise<T>): Promise<T> => {
    const redis = new ManualRedis(server.port, encodeURIComponent(name), redisPlantedBugs[name]);
    try {
      return await use(redis);
    } finally {
      redis.close();
    }
  };

  it('answers all calls as the model does', async () => {
    await withRedis('right', (redis) =>
      fc.assert(
        fc.asyncProperty(storeCommands, async (commands) => {
          expect(await firstDifference((clock) => redis.store(clock), commands)).toBeUndefined();
        }),
        { numRuns: 500 },
      ),
    );
  });

  it.each(Object.keys(redisPlantedBugs))('differs from the model with the bug that %s', async (bug) => {
    let difference: string | undefined;
    await withRedis(bug, (redis) =>
      fc.check(
        fc.asyncProperty(storeCommands, async (commands) => {
          // Look for a different answer. A script that fails would hide that none is found.
          difference = await firstDifference((clock) => redis.store(clock), commands).catch(() => undefined);
          return difference === undefined;
        }),
        { seed: 1, numRuns: 3_000, endOnFailure: true },
      ),
    );

    expect(difference).toContain('the store answered');
  });

  it('loses no save and revives no session, however the calls of its clients interleave', async () => {
    await withRedis('interleaved', (redis) =>
      fc.assert(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          expect(await interleavingBreaks(scheduler, (clock) => redis.store(clock))).toEqual([]);
        }),
        { numRuns: 200 },
      ),
    );
  });

  it.each([
    ['overwriting saves', (store: SessionStore) => withMethods(store, { save: (change) => overwrite(store, change) })],
    ['saves that check and write in two steps', checkThenWrite],
  ])('fails in some interleaving with the bug: %s', async (bug, plant) => {
    let broken: string[] = [];
    await withRedis(bug, (redis) =>
      fc.check(
        fc.asyncProperty(fc.scheduler(), async (scheduler) => {
          broken = await interleavingBreaks(scheduler, (clock) => redis.store(clock), plant);
          return broken.length === 0;
        }),
        { numRuns: 500, endOnFailure: true },
      ),
    );

    expect(broken).toContainEqual(expect.stringMatching(/^part . is \d+ after \d+ saves$/));
  });

  it.each([
    ['forward, ends sessions early by the jump', 3_600_000, 'none', 'gone'],
    ['back, ends sessions late by the jump', -3_600_000, 'found', 'saved'],
  ])('F15: when the clock of Redis jumps %s', async (title, jumpMs, loaded, saved) => {
    await withRedis(title, async (redis) => {
      const clock = new ManualClock();
      const store = redis.store(clock);
      const lifetime = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 };
      const parts = new Map();
      const access = newAccess();
      await store.save({ ...access, writeId: 'first', mode: 'create', lifetime, parts });
      clock.advance(jumpMs);

      expect((await store.load(access)).outcome).toBe(loaded);
      expect((await store.save({ access, writeId: 'second', mode: 'update', parts })).outcome).toBe(saved);
      clock.advance(lifetime.absoluteTimeoutMs);
      expect((await store.load(access)).outcome).toBe('none');
    });
  });

  it.each([
    ['refuses', false],
    ['with integer versions accepts', true],
  ])('after a failover that lost a save, %s changes that are based on it', async (_title, withBug) => {
    await withRedis(withBug ? 'versions are integers' : 'rolled back', async (redis) => {
      const store = redis.store(new ManualClock());
      const lifetime = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 };
      const access = newAccess();
      const { key } = access;
      const part = (base: string | null, payload: string) => new Map([['a', { base, payload }]]);
      const save = async (writeId: string, base: string | null, payload: string): Promise<SaveResult> =>
        store.save({ access, writeId, mode: 'update', parts: part(base, payload) });
      await store.save({ ...access, writeId: 'first', mode: 'create', lifetime, parts: part(null, '1') });
      const before = await redis.dump(key);
      const found = await store.load(access);
      const base = found.outcome === 'found' ? versionOf(found.record, 'a') : null;
      const lost = await save('lost', base, '2');
      // The new primary did not have the second save, and another client has saved since.
      await redis.restore(key, before);
      await save('other', base, '3');

      const late = await save('late', lost.outcome === 'saved' ? lost.stamp : null, '4');

      expect(late.outcome).toBe(withBug ? 'saved' : 'conflict');
    });
  });
});

function checkThenWrite(store: SessionStore): SessionStore {
  return withMethods(store, {
    save: async (change) => {
      if (change.mode === 'create') return store.save(change);
      const current = await store.load(change.access);
      const fits =
        current.outcome === 'found' &&
        [...change.parts].every(([name, { base }]) => versionOf(current.record, name) === base);
      return fits ? overwrite(store, change) : store.save(change);
    },
  });
}
