import { readFileSync } from 'node:fs';

/** The text of a script. A line `-- include <name>` stands for the functions of another file. */
function script(name: string): string {
  const lua = readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');
  return lua.replaceAll(/^-- include (\w+)$/gm, (_, included: string) => script(included));
}

const save = { lua: script('save-1') } as const;

/**
 * Each file in lua/ with a number is one atomic step. The number is that of its keys; commands of a script without a
 * number here say how many follow.
 */
export const redisScripts = {
  sessionBeansLoad: { numberOfKeys: 1, lua: script('load-1') },
  sessionBeansSave: save,
  /** The same, which Redis also runs when it is out of memory. */
  sessionBeansSaveWhenFull: { lua: save.lua.replace(/^#!lua\n/, '#!lua flags=allow-oom\n') },
  sessionBeansDestroy: { numberOfKeys: 1, lua: script('destroy-1') },
  sessionBeansSupersede: { numberOfKeys: 1, lua: script('supersede-1') },
  sessionBeansLock: { numberOfKeys: 2, lua: script('lock-2') },
  sessionBeansUnlock: { numberOfKeys: 1, lua: script('unlock-1') },
  sessionBeansAnnounce: { numberOfKeys: 1, lua: script('announce-1') },
  sessionBeansIndexAdd: { numberOfKeys: 2, lua: script('index-add-2') },
  sessionBeansIndexPage: { numberOfKeys: 1, lua: script('index-page-1') },
  sessionBeansIndexRemove: { numberOfKeys: 2, lua: script('index-remove-2') },
  sessionBeansLook: { numberOfKeys: 1, lua: script('look-1') },
  sessionBeansEpoch: { numberOfKeys: 1, lua: script('epoch-1') },
  sessionBeansBeat: { numberOfKeys: 1, lua: script('beat-1') },
  sessionBeansRights: { numberOfKeys: 0, lua: script('rights-0') },
} as const;
