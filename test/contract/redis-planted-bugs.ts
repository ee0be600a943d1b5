import type { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';

/** A line of scripts, and the mistake that replaces it. */
interface PlantedLine {
  readonly scripts: readonly (keyof typeof redisScripts)[];
  readonly right: string;
  readonly wrong: string;
}

/** Two scripts of one text. */
const SAVES = ['sessionBeansSave', 'sessionBeansSaveWhenFull'] as const;

/** Typical mistakes of stores in Redis, each a change of one line. */
export const redisPlantedBugs: Readonly<Record<string, PlantedLine>> = {
  'a save does not check the versions': {
    scripts: SAVES,
    right: 'if version ~= ARGV[i + 1] then conflict = true end',
    wrong: '',
  },

  'versions are integers': {
    scripts: SAVES,
    right: `local stamp = text(n + 1) .. '.' .. writeId`,
    wrong: `local stamp = text(n + 1) .. '.x'`,
  },

  'a repeated save is applied twice': {
    scripts: SAVES,
    right: `if last == writeId then return saved('0', n .. '.' .. writeId) end`,
    wrong: `recent = ''`,
  },

  'a save does not prolong the session': {
    scripts: SAVES,
    right: `redis.call('PEXPIREAT', key, text(expires))`,
    wrong: `if n == 0 then redis.call('PEXPIREAT', key, text(expires)) end`,
  },

  'an update creates a session': {
    scripts: SAVES,
    right: `if mode ~= 'create' or redis.call('HEXISTS', key, 'ended') == 1 then return '0' end`,
    wrong: `if mode ~= 'create' then newLifetime = '10000 60000 4000' end`,
  },

  'a touch writes a new stamp': {
    scripts: ['sessionBeansLoad'],
    right: `redis.call('HSET', key, 'times', timesText())`,
    wrong: `redis.call('HSET', key, 'times', timesText(), 'head', head .. 't')`,
  },

  'a touch confirms the id': {
    scripts: ['sessionBeansLoad'],
    right: `local confirms = mode == 'load' and state ~= '2'`,
    wrong: `local confirms = state ~= '2'`,
  },

  'a load by the application confirms the id': {
    scripts: ['sessionBeansLoad'],
    right: ` and string.sub(access, 1, 1) ~= '#'`,
    wrong: '',
  },

  'an ended session leaves no mark': {
    scripts: ['sessionBeansDestroy'],
    right: `mark(callId)`,
    wrong: '',
  },

  'a former id opens the session': {
    scripts: ['sessionBeansLoad'],
    right: `if proof == access and now - since < RECOGNISED then return '6' end`,
    wrong: `if proof == access and now - since < RECOGNISED then return nil end`,
  },

  'a former id is superseded for ever': {
    scripts: ['sessionBeansLoad'],
    right: `if proof == access and now - since < RECOGNISED then return '6' end`,
    wrong: `if proof == access then return '6' end`,
  },

  'only the last former id is known': {
    scripts: ['sessionBeansSave'],
    right: `former = formerWith(proof, redis.call('HGET', key, 'former'), now)`,
    wrong: `former = formerWith(proof, nil, now)`,
  },

  'a touch does not compare the id': {
    scripts: ['sessionBeansLoad'],
    right: `if refused then return refused end`,
    wrong: `if refused and (mode == 'load' or not head) then return refused end`,
  },

  'a save does not compare the id': {
    scripts: ['sessionBeansSave'],
    right: `if refused then return refused end`,
    wrong: '',
  },

  'an end does not compare the id': {
    scripts: ['sessionBeansDestroy'],
    right: `if not refused then`,
    wrong: `if head then`,
  },

  'ids are compared by how they begin': {
    scripts: ['sessionBeansLoad'],
    right: ` and string.byte(head, #access + 3) == 32`,
    wrong: '',
  },

  'logins are not compared': {
    scripts: ['sessionBeansLoad'],
    right: `if access == '#' .. logins then return nil end`,
    wrong: `if string.sub(access, 1, 1) == '#' then return nil end`,
  },

  'the id is compared before the write id': {
    scripts: ['sessionBeansSave'],
    right: `if last == writeId then return saved('0', n .. '.' .. writeId) end`,
    wrong: `if refusal(key, head, access) then return refusal(key, head, access) end`,
  },

  'a renewal does not drop the parts that it does not keep': {
    scripts: ['sessionBeansSave'],
    right: `if string.sub(field, 1, 1) == ':' and not kept[field] then dropped[#dropped + 1] = field end`,
    wrong: '',
  },

  'a renewal conflicts with parts that it does not keep': {
    scripts: ['sessionBeansSave'],
    right: `(not kept or kept[field]) and `,
    wrong: '',
  },

  'a renewal leaves the id confirmed': {
    scripts: ['sessionBeansSave'],
    right: `if state == '2' then state = '1' end`,
    wrong: '',
  },

  'a login of the same principal counts': {
    scripts: ['sessionBeansSave'],
    right: `if principal ~= before then logins`,
    wrong: `do logins`,
  },

  'the session of another principal keeps its beginning': {
    scripts: ['sessionBeansSave'],
    right: `if before and principal ~= before then created = used end`,
    wrong: '',
  },

  'the absolute end does not count from the login': {
    scripts: ['sessionBeansLoad'],
    right: `(authenticated or created) + absolute`,
    wrong: `created + absolute`,
  },

  'a superseded id of a session that is over is that of none': {
    scripts: ['sessionBeansLoad'],
    right: `redis.call('HGET', key, head and 'former' or 'superseded')`,
    wrong: `redis.call('HGET', key, 'former') or not head and ''`,
  },

  'a superseded id is superseded for ever': {
    scripts: ['sessionBeansSupersede'],
    right: `redis.call('PEXPIRE', key, ARGV[2])`,
    wrong: `redis.call('HSET', key, 'superseded', proof .. ' 9000000000000')`,
  },
};
