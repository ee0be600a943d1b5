import { Redis } from 'ioredis';
import { RedisSessionStore } from 'nestjs-session-beans/redis';
import { ioredisPort } from '../../libs/session/src/store/redis/clients/ioredis-client.js';
import type { RedisClientPort } from '../../libs/session/src/store/redis/clients/redis-port.js';
import { PlainLoads } from '../../libs/session/src/store/redis/plain-loads.js';
import { RedisPrincipalIndex } from '../../libs/session/src/store/redis/principal-index.js';
import { RedisKeyNames } from '../../libs/session/src/store/redis/redis-key-names.js';
import { newAccess } from '../support/redis-stores.js';
import { RecordEdit } from '../../libs/session/src/store/redis/record-edit.js';
import { redisScripts } from '../../libs/session/src/store/redis/redis-scripts.js';
import type { LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import type { RedisPlantedBug } from './redis-planted-bugs.js';
import { keyOf, withMethods } from './broken-stores.js';

/** The scripts that ask for the time, or that give a key a time to live. */
const TIMED_SCRIPTS = [
  'sessionBeansLoad',
  'sessionBeansSave',
  'sessionBeansSaveWhenFull',
  'sessionBeansDestroy',
  'sessionBeansSupersede',
  'sessionBeansIndexAdd',
  'sessionBeansIndexPage',
  'sessionBeansIndexRemove',
  'sessionBeansLook',
  'sessionBeansEpoch',
] as const;

/** Makes Redis stores whose clock the test controls, with a planted bug on demand. */
export class ManualRedis {
  private readonly clockKey: string;
  private readonly client: Redis;
  private readonly port: RedisClientPort;
  private readonly scripts: [string, { lua: string; numberOfKeys?: number }][] = [];
  private readonly update = RecordEdit.update.bind(RecordEdit);
  private stores = 0;

  constructor(
    port: number,
    private readonly namespace: string,
    bug?: RedisPlantedBug,
  ) {
    this.clockKey = `${namespace}:clock`;
    this.client = new Redis({ port, host: '127.0.0.1' });
    this.port = ioredisPort(this.client);
    for (const name of TIMED_SCRIPTS) {
      const { lua, numberOfKeys }: { readonly lua: string; readonly numberOfKeys?: number } = redisScripts[name];
      const planted = bug?.scripts?.includes(name) ? bug : undefined;
      if (planted && !lua.includes(planted.right)) throw new Error(`${name} has no line ${planted.right}`);
      // The line may occur twice. The last one is on the path of every call.
      const at = planted ? lua.lastIndexOf(planted.right) : -1;
      const text = planted ? lua.slice(0, at) + planted.wrong + lua.slice(at + planted.right.length) : lua;
      this.scripts.push([name, { lua: withManualTime(text, this.clockKey), ...(numberOfKeys && { numberOfKeys }) }]);
    }
    if (bug?.update) RecordEdit.update = bug.update(this.update);
    const lua = withManualTime(`#!lua\nreturn redis.call('GET', KEYS[1])`, this.clockKey);
    this.scripts.push(['getex', { lua, numberOfKeys: 1 }]);
  }

  /**
   * A store with its own key prefix. Every other one is asked as by the live sessions, which bring back the copy that
   * came with the last answer; here it may be one of an older state. Two of four keep many sessions as large ones.
   */
  store(clock: ManualClock): SessionStore {
    const prefix = `${this.namespace}:${this.stores++}:`;
    const store = new RedisSessionStore({ client: this.client, prefix, onWarning: () => undefined });
    const time = {
      note: () => undefined,
      get now() {
        return clock.now();
      },
    };
    Reflect.set(store, 'plainLoads', new PlainLoads(this.port, time as never, 1_000_000));
    for (const [name, definition] of this.scripts) this.client.defineCommand(name, definition);
    const tick = (): void => void this.client.set(this.clockKey, clock.now());
    const copies = new Map<string, unknown>();
    const bringsBack = this.stores % 2 === 0;
    const isLarge = this.stores % 4 > 1;
    /** The answer without the copy, which only the store itself understands. */
    const noted = <T extends LoadResult | SaveResult>(key: string, answer: T): T => {
      const { copy, ...told } = { copy: undefined, ...answer };
      if (bringsBack && copy !== undefined) copies.set(key, copy);
      return ('record' in told ? { ...told, record: unpadded(told.record) } : told) as unknown as T;
    };
    const { principals, epoch } = store;
    return withMethods(store, {
      principals: { list: (principal, page) => (tick(), principals.list(principal, page)) },
      epoch: { begin: () => (tick(), epoch.begin()), read: () => epoch.read() },
      load: async (access, options) => (tick(), noted(access.key, await store.load(access, options))),
      save: async (change) => {
        tick();
        const key = keyOf(change);
        const copy = copies.get(key);
        const padded = isLarge ? { ...change, parts: paddedParts(change.parts) } : change;
        return noted(key, await store.save(padded.mode === 'update' ? { ...padded, copy } : padded));
      },
      touch: (access) => (tick(), store.touch(access)),
      destroy: (access) => (tick(), store.destroy(access)),
      supersede: (access) => (tick(), store.supersede(access)),
    });
  }

  /** A store, and what a server does to it that dies between the note of a login and its save. */
  withDeaths(clock: ManualClock): { readonly store: SessionStore; readonly die: (user: string) => Promise<void> } {
    const before = this.stores;
    const store = this.store(clock);
    const names = new RedisKeyNames(`${this.namespace}:${before}:`, '');
    const die = async (user: string): Promise<void> => {
      const index = new RedisPrincipalIndex(this.port, this.port, names);
      const login = { key: newAccess().key, principal: user, lifeMs: 150_000, isNew: true, mostSessions: undefined };
      await this.client.set(this.clockKey, clock.now());
      await index.note(login);
    };
    return { store, die };
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
    RecordEdit.update = this.update;
    this.client.disconnect();
  }
}

const PADDING = 'x'.repeat(5_000);

/** Makes every other payload so long that two of them make a session large. */
function paddedParts(parts: SessionChange['parts']): SessionChange['parts'] {
  return new Map(
    [...parts].map(([name, { base, payload }]) => [
      name,
      { base, payload: payload !== null && name <= 'b' ? payload + PADDING : payload },
    ]),
  );
}

function unpadded(record: SessionRecord): SessionRecord {
  const parts = [...record.parts].map(
    ([name, { version, payload }]) => [name, { version, payload: payload.replace(PADDING, '') }] as const,
  );
  return { ...record, parts: new Map(parts) };
}

function setTtl(ms: string): string {
  return `redis.call('SET', KEYS[1] .. ':ttl', ${ms})`;
}

/**
 * Rewrites a script of the Redis store to use the clock of the test. `TIME` becomes the value of a key, and a TTL
 * becomes a key that the script checks first. So the real scripts can be compared with the model under a manual
 * clock.
 */
export function withManualTime(lua: string, clockKey: string): string {
  const [shebang, ...rest] = lua.split('\n');
  const clock = `redis.call('GET', '${clockKey}')`;
  const expire = [
    `local ttl = redis.call('GET', KEYS[1] .. ':ttl')`,
    `if ttl and tonumber(ttl) <= tonumber(${clock}) then redis.call('DEL', KEYS[1], KEYS[1] .. ':ttl') end`,
  ];
  const body = rest
    .join('\n')
    .replaceAll(`redis.call('TIME')`, `{ 0, ${clock} * 1000 }`)
    .replaceAll(/redis\.call\('SET', key, (.*), 'PXAT', (.*)\)$/gm, `redis.call('SET', key, $1) ${setTtl('$2')}`)
    .replaceAll(
      /redis\.call\('SET', key, (.*), 'PX', (.*)\)$/gm,
      `redis.call('SET', key, $1) ${setTtl(`${clock} + $2`)}`,
    )
    .replaceAll(/redis\.call\('PEXPIREAT', key, (.*)\)$/gm, setTtl('$1'));
  return [shebang, ...expire, body].join('\n');
}
