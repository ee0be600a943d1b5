import type { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';

/** A line of a script, and the mistake that replaces it. */
interface PlantedLine {
  readonly script: keyof typeof redisScripts;
  readonly right: string;
  readonly wrong: string;
}

/** Typical mistakes of stores in Redis, each a change of one line. */
export const redisPlantedBugs: Readonly<Record<string, PlantedLine>> = {
  'a save does not check the versions': {
    script: 'sessionBeansSave',
    right: 'if version ~= ARGV[i + 1] then conflict = true end',
    wrong: '',
  },

  'versions are integers': {
    script: 'sessionBeansSave',
    right: `stamp = text(n + 1) .. '.' .. writeId`,
    wrong: `stamp = text(n + 1) .. '.x'`,
  },

  'a repeated save is applied twice': {
    script: 'sessionBeansSave',
    right: `if last == writeId then return saved(0, stamp) end`,
    wrong: `recent = ''`,
  },

  'a save does not prolong the session': {
    script: 'sessionBeansSave',
    right: `redis.call('PEXPIREAT', key, text(expiry()))`,
    wrong: `if n == 0 then redis.call('PEXPIREAT', key, text(expiry())) end`,
  },

  'an update creates a session': {
    script: 'sessionBeansSave',
    right: `if mode == 'update' then return '0' end`,
    wrong: `if mode == 'update' then newLife = ' 10000 60000 4000' end`,
  },

  'a touch writes a new stamp': {
    script: 'sessionBeansLoad',
    right: `redis.call('HSET', key, 'use', used .. ' ' .. joined)`,
    wrong: `redis.call('HSET', key, 'use', used .. ' ' .. joined, 'stamp', stamp .. 't')`,
  },

  'a touch marks the session as joined': {
    script: 'sessionBeansLoad',
    right: `local joins = mode == 'load' and joined == '0'`,
    wrong: `local joins = joined == '0'`,
  },

  'an ended session leaves no mark': {
    script: 'sessionBeansDestroy',
    right: `redis.call('DEL', KEYS[1])`,
    wrong: `redis.call('DEL', KEYS[1]) if stamp then return 1 end`,
  },

  'destroy ignores the stamp': {
    script: 'sessionBeansDestroy',
    right: `if ARGV[1] ~= 'any' and ARGV[1] ~= 'is ' .. stamp then return 0 end`,
    wrong: '',
  },
};
