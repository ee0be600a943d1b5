import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';
import { OwnChanges } from '../../libs/session/src/store/redis/tracking/own-changes.js';
import { TrackingWatch } from '../../libs/session/src/store/redis/tracking/tracking-watch.js';
import { readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { realTime } from './real-time.js';
import { rulesBrokenBy } from './rules-broken-by.js';

/** A bug in the invalidation of near caches, and the rule that the suite must name. */
interface PlantedBug {
  readonly rule: string;
  readonly plant: () => void;

  /** The most runs of the rule. The bug shows only when a message overtakes an answer; mostly one run is enough. */
  readonly runs?: number;
  readonly plays?: number;
}

const planted: Readonly<Record<string, PlantedBug>> = {
  'a load that touches does not read the session last': {
    rule: '[N3] a load that touches',
    plant: () => plantWithoutLastRead('sessionBeansLoad'),
  },

  'a save does not read the session last': {
    rule: '[N3] a save of',
    plant: () => plantWithoutLastRead('sessionBeansSave'),
  },

  'a renewal does not read the session last': {
    rule: '[N3] a renewal of',
    plant: () => plantWithoutLastRead('sessionBeansSave'),
  },

  'own changes are reported': {
    rule: '[N3] a save of',
    plant: () => {
      jest.spyOn(OwnChanges.prototype, 'message').mockImplementation(function (this: OwnChanges, key) {
        this['tell'](key);
      });
    },
  },

  'reports get lost': {
    rule: '[N2] a save by',
    plant: () => {
      const message: OwnChanges['message'] = Reflect.get(OwnChanges.prototype, 'message');
      jest.spyOn(OwnChanges.prototype, 'message').mockImplementation(function (this: OwnChanges, key) {
        const account = this['accounts'].get(key);
        // Own messages must get through: the store would miss one, and report its session.
        if (account && (account.underWay > 0 || account.messages < account.changes)) message.call(this, key);
      });
    },
  },

  'a report during a command counts as the own change': {
    rule: '[N2] what another server saves while',
    runs: 10,
    plant: () => {
      jest.spyOn(OwnChanges.prototype, 'end').mockImplementation(function (this: OwnChanges, key) {
        this['accounts'].delete(key);
      });
      jest.spyOn(OwnChanges.prototype, 'dataAnswered').mockImplementation(() => undefined);
    },
  },

  'the time of the watch stands still': {
    rule: '[N1]',
    plant: () => {
      jest.spyOn(TrackingWatch.prototype, 'advance').mockImplementation(() => undefined);
    },
  },

  // With NOLOOP a server does not report, either, which keys it drops from its table during an own command.
  'Redis is asked not to report own changes (NOLOOP)': {
    rule: '[N1]',
    plant: () => {
      const call = Reflect.get(Redis.prototype, 'call') as (...args: string[]) => Promise<unknown>;
      jest.spyOn(Redis.prototype as { call: typeof call }, 'call').mockImplementation(function (this: Redis, ...args) {
        return call.apply(this, args[1] === 'TRACKING' ? [...args, 'NOLOOP'] : args);
      });
    },
  },
};

describe('the contract rules for near caches', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  });
  afterAll(() => redis.stop());
  afterEach(() => {
    jest.restoreAllMocks();
    for (const [name, lua] of scripts) Object.assign(redisScripts[name], { lua });
  });

  const broken = (only: RegExp): Promise<string[]> =>
    rulesBrokenBy(({ namespace }) => readyRedisStore({ url: redis.url, prefix: `${namespace}:` }), realTime, only);

  it('are kept by the Redis store', async () => {
    expect(await broken(/^\[N/)).toEqual([]);
  });

  it.each(Object.entries(planted))('name the bug that %s', async (_title, { rule, runs = 1, plant }) => {
    plant();

    let titles: string[] = [];
    for (let run = 0; run < runs && titles.length === 0; run++)
      titles = await broken(new RegExp(`^${rule.replace(/[[\]]/g, '\\$&')}`));

    expect(titles).not.toEqual([]);
  });
});

const scripts = Object.entries(redisScripts).map(
  ([name, { lua }]) => [name as keyof typeof redisScripts, lua] as const,
);

function plantWithoutLastRead(name: keyof typeof redisScripts): void {
  const { lua } = redisScripts[name];
  const right = `redis.call('EXISTS', key)`;
  if (!lua.includes(right)) throw new Error(`${name} does not read the session last`);
  Object.assign(redisScripts[name], { lua: lua.replaceAll(right, '') });
}
