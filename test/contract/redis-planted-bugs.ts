import type { RecordEdit } from '../../libs/session/src/store/redis/record-edit.js';
import { FORMER, PRINCIPAL, RecordCopy, recordOf } from '../../libs/session/src/store/redis/record-lines.js';
import type { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';

type Update = typeof RecordEdit.update;

/** A line of scripts, and the mistake that replaces it; or a mistake in how a save is made from what is stored. */
export type RedisPlantedBug =
  | {
      readonly scripts: readonly (keyof typeof redisScripts)[];
      readonly right: string;
      readonly wrong: string;
      readonly update?: undefined;
    }
  | { readonly scripts?: undefined; readonly update: (right: Update) => Update };

/** Two scripts of one text. */
const SAVES = ['sessionBeansSave', 'sessionBeansSaveWhenFull'] as const;

function without(prefix: string, copy: RecordCopy): RecordCopy {
  return new RecordCopy(
    copy.lines.filter((line) => !line.startsWith(prefix)),
    copy.isLarge,
  );
}

/** Typical mistakes of stores in Redis. */
export const redisPlantedBugs: Readonly<Record<string, RedisPlantedBug>> = {
  'a save does not check the versions': {
    update: (right) => (copy, change, short) => {
      const versions = (name: string) => recordOf(copy.lines)?.parts.get(name)?.version ?? null;
      const keep = change.renewal?.keep;
      const base = (name: string) => (!keep || keep.includes(name) ? versions(name) : null);
      const parts = new Map([...change.parts].map(([name, part]) => [name, { ...part, base: base(name) }]));
      return right(copy, { ...change, parts }, short);
    },
  },

  'versions are integers': {
    update: (right) => (copy, change, short) => right(copy, { ...change, writeId: 'x' }, short),
  },

  'a repeated save is applied twice': {
    scripts: SAVES,
    right: `if at then return timesAnswer(`,
    wrong: `if false then return timesAnswer(`,
  },

  'a save does not prolong the session': {
    scripts: SAVES,
    right: `redis.call('SET', key, front .. now .. rest, 'PXAT', math.min(now + idleMs, last))`,
    wrong: `redis.call('SET', key, front .. now .. rest)`,
  },

  'an update creates a session': {
    scripts: SAVES,
    right: `if mode ~= 'create' or ended and ended ~= '' then return '0' end`,
    wrong: `if mode == 'create' and ended and ended ~= '' then return '0' end`,
  },

  'a touch writes a new stamp': {
    scripts: ['sessionBeansLoad'],
    right: `string.sub(found, 1, stateAt - 1) .. state`,
    wrong: `string.sub(found, 1, stateAt - 2) .. 't ' .. state`,
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
    right: `redis.call('SET', key, '- ' .. callId, 'PX', markMs)`,
    wrong: `redis.call('DEL', key)`,
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
    update: (right) => (copy, change, short) => right(without(FORMER, copy), change, short),
  },

  'a touch does not compare the id': {
    scripts: ['sessionBeansLoad'],
    right: `if refused then return refused end`,
    wrong: `if refused and (mode == 'load' or not found) then return refused end`,
  },

  'a save does not compare the id': {
    scripts: ['sessionBeansSave'],
    right: `if refused then return refused end`,
    wrong: '',
  },

  'an end does not compare the id': {
    scripts: ['sessionBeansDestroy'],
    right: `if not refused then`,
    wrong: `if found and not ended then`,
  },

  'ids are compared by how they begin': {
    scripts: ['sessionBeansLoad'],
    right: `string.sub(found, 3, #access + 3) == access .. ' '`,
    wrong: `string.sub(found, 3, #access + 2) == access`,
  },

  'logins are not compared': {
    scripts: ['sessionBeansLoad'],
    right: `if access == '#' .. logins or`,
    wrong: `if string.sub(access, 1, 1) == '#' or`,
  },

  'the id is compared before the write id': {
    scripts: ['sessionBeansSave'],
    right: `if at then return timesAnswer(`,
    wrong: `if refusal(found, access) then return refusal(found, access) end if at then return timesAnswer(`,
  },

  'a renewal does not drop the parts that it does not keep': {
    update: (right) => (copy, change, short) => {
      const { renewal } = change;
      return right(copy, renewal ? { ...change, renewal: { ...renewal, keep: undefined } } : change, short);
    },
  },

  'a renewal conflicts with parts that it does not keep': {
    update: (right) => (copy, change, short) => {
      const stored = recordOf(copy.lines)?.parts;
      const isThere = [...change.parts].some(([name, { base }]) => base === null && stored?.has(name));
      return isThere ? 'conflict' : right(copy, change, short);
    },
  },

  'a renewal leaves the id confirmed': {
    update: (right) => (copy, change, short) => {
      const edit = right(copy, change, short);
      if (!change.renewal || typeof edit === 'string' || recordOf(copy.lines)?.confirmed !== true) return edit;
      return Object.assign(edit, { front: edit.front.replace(/ 1 $/, ' 2 ') });
    },
  },

  'a login of the same principal counts': {
    update: (right) => (copy, change, short) => {
      const isSame = change.renewal?.principal === recordOf(copy.lines)?.principal;
      return right(isSame ? without(PRINCIPAL, copy) : copy, change, short);
    },
  },

  'the session of another principal keeps its beginning': {
    update: (right) => (copy, change, short) => {
      const isSame = change.renewal?.principal === recordOf(copy.lines)?.principal;
      return right(change.renewal && !isSame ? without(PRINCIPAL, copy) : copy, change, short);
    },
  },

  'the absolute end does not count from the login': {
    scripts: ['sessionBeansLoad'],
    right: `(tonumber(authenticated) or created) + absolute`,
    wrong: `created + absolute`,
  },

  'a superseded id of a session that is over is that of none': {
    scripts: ['sessionBeansLoad'],
    right: `former = string.match(found, '\\n%+superseded ([^\\n]*)')`,
    wrong: '',
  },

  'a superseded id is superseded for ever': {
    scripts: ['sessionBeansSupersede'],
    right: `'\\n+superseded ' .. all, 'PX', ARGV[2])`,
    wrong: `'\\n+superseded ' .. proof .. ' 9000000000000')`,
  },

  'a save compares nothing': {
    scripts: SAVES,
    right: `redis.pcall('GETRANGE', key, 0, #expected - 1) == expected`,
    wrong: `expected ~= '?'`,
  },

  'a renewal compares nothing': {
    scripts: SAVES,
    right: `string.sub(found, 1, #expected) ~= expected`,
    wrong: `expected == '?'`,
  },
};
