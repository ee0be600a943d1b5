import { readFileSync } from 'node:fs';

const script = (name: string): string => readFileSync(new URL(`./lua/${name}.lua`, import.meta.url), 'utf8');

/** One file per atomic step; the number in its name is how many keys it takes. */
export const redisScripts = {
  sessionBeansLoad: { numberOfKeys: 1, lua: script('load-1') },
  sessionBeansSave: { numberOfKeys: 1, lua: script('save-1') },
  sessionBeansDestroy: { numberOfKeys: 1, lua: script('destroy-1') },
} as const;
