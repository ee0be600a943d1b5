import { readFileSync } from 'node:fs';

const script = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** A script for several calls at once. Its flags stay the first line, where Redis looks for them. */
export function batchOf({ lua, numberOfKeys }: { readonly lua: string; readonly numberOfKeys: number }): {
  readonly lua: string;
} {
  const [flags, ...body] = lua.split('\n');
  const one = ['local function one(KEYS, ARGV)', ...body, 'end'];
  return { lua: [flags, ...one, `local KEYS_PER_CALL = ${numberOfKeys}`, script('batch')].join('\n') };
}

const load = { numberOfKeys: 1, lua: script('load-1') } as const;
const save = { numberOfKeys: 2, lua: script('save-2') } as const;

/** One file per atomic step; the number in its name is how many keys it takes. Those of a batch are told with each call. */
export const redisScripts = {
  sessionBeansLoad: load,
  sessionBeansSave: save,
  sessionBeansLoadBatch: batchOf(load),
  sessionBeansSaveBatch: batchOf(save),
  sessionBeansDestroy: { numberOfKeys: 1, lua: script('destroy-1') },
  sessionBeansLock: { numberOfKeys: 1, lua: script('lock-1') },
  sessionBeansUnlock: { numberOfKeys: 1, lua: script('unlock-1') },
  sessionBeansBeat: { numberOfKeys: 1, lua: script('beat-1') },
  sessionBeansRights: { numberOfKeys: 0, lua: script('rights-0') },
} as const;
