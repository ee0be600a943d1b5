import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from 'nestjs-session-beans';
import { RedisServer } from '../support/redis-server.js';
import { rounds } from '../support/rounds.js';
import { ManualRedis } from './manual-redis.js';
import { principalCommands, principalDifference } from './principal-model.js';
import type { RedisPlantedBug } from './redis-planted-bugs.js';

/** Each run has some 17 operations: 10,000 and more in the stress configuration. */
const RUNS = rounds(40, 800);

/** Mistakes in the scripts of the index. */
const bugs: Readonly<Record<string, RedisPlantedBug>> = {
  'the limit is one too many': {
    scripts: ['sessionBeansIndexAdd'],
    right: `(known and 1 or 0) >= tonumber(most)`,
    wrong: `(known and 1 or 0) > tonumber(most)`,
  },

  'a session that was once that of the user takes no place': {
    scripts: ['sessionBeansIndexAdd'],
    right: `if most ~= '' and`,
    wrong: `if most ~= '' and not known and`,
  },

  'a login is not noted': {
    scripts: ['sessionBeansIndexAdd'],
    right: `redis.call('ZADD', logins, text(score), session)`,
    wrong: ``,
  },

  'a login again is not the newest': {
    scripts: ['sessionBeansIndexAdd'],
    right: `known and mode == 'keep' and tonumber(known)`,
    wrong: `known and tonumber(known)`,
  },

  'a session that lives longer is forgotten at its former end': {
    scripts: ['sessionBeansIndexAdd'],
    right: `redis.call('ZADD', ends, text(last), session)`,
    wrong: `redis.call('ZADD', ends, 'NX', text(last), session)`,
  },

  'a page leaves out a session': {
    scripts: ['sessionBeansIndexPage'],
    right: `'LIMIT', 0, most`,
    wrong: `'LIMIT', score == '' and 0 or 1, most`,
  },

  'a page begins with the last session of the one before': {
    scripts: ['sessionBeansIndexPage'],
    right: `'+inf' or '(' .. score`,
    wrong: `'+inf' or score`,
  },

  'a session that has ended passes for one that is not there yet': {
    scripts: ['sessionBeansLook'],
    right: `return '8'`,
    wrong: `return '0'`,
  },

  'the epoch is not kept': {
    scripts: ['sessionBeansEpoch'],
    right: `redis.call('HSET', KEYS[1], 'at', text(at))`,
    wrong: ``,
  },
};

describe('random operations with the sessions of users', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await RedisServer.start();
  });
  afterAll(() => server.stop());

  async function differenceInRedis(name: string, numRuns: number): Promise<string | undefined> {
    const redis = new ManualRedis(server.port, encodeURIComponent(name), bugs[name]);
    let difference: string | undefined;
    try {
      const property = fc.asyncProperty(principalCommands, async (commands) => {
        difference = await principalDifference((clock) => redis.withDeaths(clock), commands);
        return difference === undefined;
      });
      await fc
        .assert(property, { seed: numRuns === RUNS ? undefined : 1, numRuns, endOnFailure: true })
        .catch((error: Error) => (difference ??= error.message));
      return difference;
    } finally {
      redis.close();
    }
  }

  it('have the outcome that they should have in memory', async () => {
    const property = fc.asyncProperty(principalCommands, async (commands) => {
      const store = (clock: ConstructorParameters<typeof MemorySessionStore>[0]) => new MemorySessionStore(clock);
      expect(await principalDifference((clock) => ({ store: store({ clock }) }), commands)).toBeUndefined();
    });
    await fc.assert(property, { numRuns: RUNS });
  });

  it('have the outcome that they should have in Redis', async () => {
    expect(await differenceInRedis('right', RUNS)).toBeUndefined();
  });

  it.each(Object.keys(bugs))('show the bug that %s', async (name) => {
    expect(await differenceInRedis(name, 5_000)).toMatch(/^(\d+|at the end): /);
  });
});
