import { readFileSync } from 'node:fs';

const script = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** One file per atomic step; the number in its name is how many keys it takes. */
export const redisScripts = {
  sessionBeansLoad: { numberOfKeys: 1, lua: script('load-1') },
  sessionBeansSave: { numberOfKeys: 2, lua: script('save-2') },
  sessionBeansDestroy: { numberOfKeys: 1, lua: script('destroy-1') },
  sessionBeansLock: { numberOfKeys: 1, lua: script('lock-1') },
  sessionBeansUnlock: { numberOfKeys: 1, lua: script('unlock-1') },
  sessionBeansBeat: { numberOfKeys: 1, lua: script('beat-1') },
  sessionBeansRights: { numberOfKeys: 0, lua: script('rights-0') },
} as const;
