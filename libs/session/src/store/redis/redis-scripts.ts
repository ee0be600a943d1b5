import { readFileSync } from 'node:fs';

const read = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** The text of a script, with the functions of other files before it. */
function script(name: string, ...shared: string[]): string {
  return afterFlags(read(name), ...shared.map(read));
}

/** Puts lines behind the first line of a script, which holds its flags: Redis reads them only there. */
function afterFlags(lua: string, ...lines: string[]): string {
  const [flags, ...body] = lua.split('\n');
  return [flags, ...lines, ...body].join('\n');
}

/** Bytes by which one save may enlarge an anonymous session while Redis is full: a counter counts on. */
const GROWTH_WHEN_FULL = 64;

/** The same script, which Redis also runs when it is out of memory. */
function whenFull<T extends { readonly lua: string }>(definition: T): T {
  const [before, after] = definition.lua.split('GROWTH_WHEN_FULL = nil');
  if (after === undefined) throw new Error('save-2.lua does not say where the growth stands');
  const lua = `${before}GROWTH_WHEN_FULL = ${GROWTH_WHEN_FULL}${after}`;
  return { ...definition, lua: lua.replace(/^#!lua\n/, '#!lua flags=allow-oom\n') };
}

/** A script that runs `lua` for several calls. Each command that uses it says how many keys follow. */
export function batchOf({ lua, numberOfKeys }: { readonly lua: string; readonly numberOfKeys: number }): {
  readonly lua: string;
} {
  const one = afterFlags(lua, 'local function one(KEYS, ARGV)');
  return { lua: [one, 'end', `local KEYS_PER_CALL = ${numberOfKeys}`, read('batch')].join('\n') };
}

const load = { numberOfKeys: 1, lua: script('load-1', 'access', 'record') } as const;
const save = { numberOfKeys: 2, lua: script('save-2', 'access', 'former', 'record') } as const;

/** Each file in lua/ with a number is one atomic step. The number is that of its keys. */
export const redisScripts = {
  sessionBeansLoad: load,
  sessionBeansSave: save,
  sessionBeansSaveWhenFull: whenFull(save),
  sessionBeansLoadBatch: batchOf(load),
  sessionBeansSaveBatch: batchOf(save),
  sessionBeansDestroy: { numberOfKeys: 1, lua: script('destroy-1', 'access') },
  sessionBeansSupersede: { numberOfKeys: 1, lua: script('supersede-1', 'access', 'former') },
  sessionBeansLock: { numberOfKeys: 2, lua: script('lock-2', 'access') },
  sessionBeansUnlock: { numberOfKeys: 1, lua: script('unlock-1') },
  sessionBeansAnnounce: { numberOfKeys: 1, lua: script('announce-1', 'access') },
  sessionBeansBeat: { numberOfKeys: 1, lua: script('beat-1') },
  sessionBeansRights: { numberOfKeys: 0, lua: script('rights-0') },
} as const;
