import { Redis } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { batchOf, redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import type { redisPlantedBugs } from './redis-planted-bugs.js';
import { withMethods } from './broken-stores.js';

/** The scripts that ask for the time, or that give a key a time to live. */
const TIMED_SCRIPTS = [
  'sessionBeansLoad',
  'sessionBeansSave',
  'sessionBeansSaveWhenFull',
  'sessionBeansDestroy',
  'sessionBeansSupersede',
] as const;

/** Makes Redis stores whose clock the test controls, with a planted bug on demand. */
export class ManualRedis {
  private readonly clockKey: string;
  private readonly client: Redis;
  private readonly scripts: [string, { lua: string; numberOfKeys?: number }][] = [];
  private stores = 0;

  constructor(
    port: number,
    private readonly namespace: string,
    bug?: (typeof redisPlantedBugs)[string],
  ) {
    this.clockKey = `${namespace}:clock`;
    this.client = new Redis({ port, host: '127.0.0.1' });
    for (const name of TIMED_SCRIPTS) {
      const { lua, numberOfKeys } = redisScripts[name];
      const isPlanted = bug !== undefined && bug.scripts.includes(name);
      if (isPlanted && !lua.includes(bug.right)) throw new Error(`${name} has no line ${bug.right}`);
      // The line may occur twice. The last one is on the path of every call.
      const at = isPlanted ? lua.lastIndexOf(bug.right) : -1;
      const text = isPlanted ? lua.slice(0, at) + bug.wrong + lua.slice(at + bug.right.length) : lua;
      const definition = { lua: withManualTime(text, this.clockKey), numberOfKeys };
      this.scripts.push([name, definition]);
      if (/(?:Load|Save)$/.test(name)) this.scripts.push([`${name}Batch`, batchOf(definition)]);
    }
  }

  /** A store with its own key prefix. */
  store(clock: ManualClock): SessionStore {
    const prefix = `${this.namespace}:${this.stores++}:`;
    const store = new RedisSessionStore({ client: this.client, prefix, onWarning: () => undefined });
    for (const [name, definition] of this.scripts) this.client.defineCommand(name, definition);
    const tick = (): void => void this.client.set(this.clockKey, clock.now());
    return withMethods(store, {
      load: (access, options) => (tick(), store.load(access, options)),
      save: (change) => (tick(), store.save(change)),
      touch: (access) => (tick(), store.touch(access)),
      destroy: (access) => (tick(), store.destroy(access)),
      supersede: (access) => (tick(), store.supersede(access)),
    });
  }

  /** The stored bytes of a key of the last store, for `restore`. */
  dump(key: string): Promise<Buffer> {
    return this.client.dumpBuffer(this.keyOf(key));
  }

  async restore(key: string, dump: Buffer): Promise<void> {
    await this.client.restore(this.keyOf(key), 0, dump, 'REPLACE');
  }

  private keyOf(key: string): string {
    return `${this.namespace}:${this.stores - 1}:{${key}}`;
  }

  close(): void {
    this.client.disconnect();
  }
}

/**
 * Rewrites a script of the Redis store to use the clock of the test. `TIME` becomes the value of a key, and a TTL
 * becomes a field that the script checks first. So the real scripts can be compared with the model under a manual
 * clock.
 */
export function withManualTime(lua: string, clockKey: string): string {
  const [shebang, ...rest] = lua.split('\n');
  const clock = `redis.call('GET', '${clockKey}')`;
  const expire = [
    `local ttl = redis.call('HGET', KEYS[1], 'ttl')`,
    `if ttl and tonumber(ttl) <= tonumber(${clock}) then redis.call('DEL', KEYS[1]) end`,
  ];
  const body = rest
    .join('\n')
    .replaceAll(`redis.call('TIME')`, `{ 0, ${clock} * 1000 }`)
    .replaceAll(/redis\.call\('PEXPIREAT', (\S+), (.*)\)$/gm, `redis.call('HSET', $1, 'ttl', $2)`)
    .replaceAll(/redis\.call\('PEXPIRE', (\S+), (.*)\)$/gm, `redis.call('HSET', $1, 'ttl', ${clock} + $2)`);
  return [shebang, ...expire, body].join('\n');
}
