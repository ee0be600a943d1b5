import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { SessionConfigurationError } from 'nestjs-session-beans';
import { RedisSessionStore, type RedisSessionStoreOptions } from 'nestjs-session-beans/redis';
import { Redis } from 'ioredis';
import type { ClientAccess } from 'nestjs-session-beans/store-kit';
import { eventually } from '../support/eventually.js';
import { newAccess, readyRedisStore, WatchedRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

/** The rights in `docs/stores/redis.md`, without those for the near cache. */
const DOCUMENTED = (
  '~session:* resetchannels +eval +evalsha +get +getex +getrange +set +hget +hmget +hgetall +hset +hdel +exists ' +
  '+pexpire +pexpireat +del +time +zadd +zcard +zrange +zrem +zscore +ping +info +hello +client'
).split(' ');

describe('a Redis store that invalidates a near cache', () => {
  let server: RedisServer;
  let redis: Redis;
  let foreign: RedisSessionStore;
  const closing: (() => unknown)[] = [];
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.port, '127.0.0.1');
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  beforeEach(async () => {
    await redis.flushall();
    foreign = await readyRedisStore({ url: server.url });
  });
  afterEach(async () => {
    await foreign.close();
    for (const close of closing.splice(0)) await close();
  });

  const open = async (options: Partial<RedisSessionStoreOptions> = {}): Promise<WatchedRedisStore> => {
    const watched = await WatchedRedisStore.open(options.client ? options : { url: server.url, ...options });
    closing.push(() => watched.store.close());
    return watched;
  };
  const sessions = async (count: number, store = foreign): Promise<ClientAccess[]> => {
    const made = Array.from({ length: count }, newAccess);
    for (const access of made) await WatchedRedisStore.create(store, access);
    return made;
  };
  const session = async (store = foreign): Promise<ClientAccess> => {
    const access = newAccess();
    await WatchedRedisStore.create(store, access);
    return access;
  };
  const connections = async (): Promise<string[]> =>
    [...String(await redis.client('LIST')).matchAll(/ name=(session-beans:\w+)/g)].map(([, name]) => name as string);

  it('opens no connection before a subscription and two after it, and closes them', async () => {
    const store = await readyRedisStore({ url: server.url });
    closing.push(() => store.close());
    const access = await session();
    expect(await store.load(access)).not.toHaveProperty('watch');
    expect(await connections()).toEqual([]);

    store.notices.subscribe(() => undefined);
    await eventually('a watch', async () => 'watch' in (await store.load(access)));
    expect((await connections()).toSorted()).toEqual(['session-beans:data', 'session-beans:sink']);

    await store.close();
    await eventually('they are closed', async () => (await connections()).length === 0);
  });

  it('sends one command per load, save or touch, and no others but beats', async () => {
    const { store, watch } = await quiet(open());
    const monitor = await redis.monitor();
    closing.push(() => monitor.disconnect());
    const commands: string[] = [];
    monitor.on('monitor', (_time: string, [name = '', , , key = '']: string[], source: string) => {
      if (source !== 'lua') commands.push(`${name.toLowerCase()} ${key}`);
    });
    const access = await session();
    const { key } = access;
    // The first call of each connection contains the text of the script.
    await WatchedRedisStore.change(store, access);
    const { access: renewed, copy } = await WatchedRedisStore.renew(store, access);
    await redis.hset('marker', 'f', 'v');
    await eventually('the monitor is there', () => commands.includes('hset v'));
    commands.length = 0;

    const { stamp } = await WatchedRedisStore.change(store, renewed, copy);
    for (let i = 0; i < 20; i++) await store.load(renewed, { known: stamp, touchAfterMs: i % 2 === 0 ? 0 : 60_000 });
    await store.touch(renewed);
    const found = await store.load(renewed);
    await WatchedRedisStore.renew(store, renewed, 'copy' in found ? found.copy : undefined);
    const before = watch.toldUntil;
    await eventually('beats', () => watch.toldUntil > before + 100);

    const ofSessions = commands.filter((command) => command.includes(key));
    expect(ofSessions).toEqual(Array.from({ length: 24 }, () => `evalsha session:{${key}}`));
    const others = new Set(commands.filter((command) => !command.includes(key)));
    expect([...others].map((command) => command.replace(/beat-.*/, 'beat}')).toSorted()).toEqual([
      'evalsha session:{beat}',
      'ping ',
    ]);
  });

  it('reports no own change, however often it changes a session between beats', async () => {
    const { store, told, watch, hasHeard } = await quiet(open({ beatMs: 10 }));
    const access = await session();
    const { stamp } = await WatchedRedisStore.change(store, access);
    await hasHeard(watch);
    told.length = 0;
    const beats = new Set<number>();
    for (let i = 0; i < 500 || beats.size < 20; i++) {
      await WatchedRedisStore.change(store, access);
      await store.load(access, { known: stamp, touchAfterMs: 0 });
      beats.add(watch.toldUntil);
    }
    await hasHeard(watch);

    expect(told).toEqual([]);

    told.length = 0;
    await foreign.touch(access);
    await hasHeard(watch);
    expect(told).toEqual([access.key]);
  });

  it('recognises its sessions behind the prefix of a client, and reports no other keys', async () => {
    const client = new Redis({ port: server.port, host: '127.0.0.1', keyPrefix: 'app:', enableAutoPipelining: true });
    closing.push(() => client.disconnect());
    const { store, told, watch, hasHeard } = await quiet(open({ client, prefix: 's:' }));
    const access = await session(store);
    const { key } = access;
    await store.load(access);
    await store.locks.acquire(access, { token: 'token', leaseMs: 10_000 });
    const change = { access, writeId: 'w', mode: 'update', lock: 'token', parts: new Map() } as const;
    expect((await store.save(change)).outcome).toBe('saved');
    told.length = 0;
    await redis.del(`app:s:{${key}}:lock`);
    await redis.set(`app:other:{${key}}`, 'x');
    await hasHeard(watch);
    expect(told).toEqual([]);

    await redis.del(`app:s:{${key}}`);
    await hasHeard(watch);

    expect(told).toEqual([key]);
    expect(client.status).toBe('ready');
  });

  it.each([
    ['from the start', 3],
    ['later', 0],
  ])('works on the database that a client chose %s', async (_title, db) => {
    const client = new Redis({ port: server.port, host: '127.0.0.1', db });
    closing.push(() => client.disconnect());
    await client.select(3);
    const { store } = await quiet(open({ client }));
    const access = await session(store);

    expect(await store.load(access)).toMatchObject({ outcome: 'found', watch: {} });
    expect(await redis.dbsize()).toBe(0);
  });

  it('reports keys that Redis drops from its tracking table, even because of its own reads', async () => {
    await redis.config('SET', 'tracking-table-max-keys', 50);
    closing.push(() => redis.config('SET', 'tracking-table-max-keys', 1_000_000));
    const { store, told, watch, hasHeard } = await quiet(open());
    const all = await sessions(300);
    for (const access of all) await store.load(access);
    for (const access of all) await foreign.touch(access);
    await hasHeard(watch);

    expect(told).toEqual(expect.arrayContaining(all.map(({ key }) => key)));
  });

  it('reports sessions that Redis evicts, even because of its own saves', async () => {
    const { store, told, watch, hasHeard } = await quiet(open());
    const all = await sessions(500);
    for (const access of all) await store.load(access);
    const used = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? '0';
    await redis.config('SET', 'maxmemory-policy', 'allkeys-random', 'maxmemory', used);
    closing.push(() => redis.config('SET', 'maxmemory-policy', 'noeviction', 'maxmemory', 0));
    for (let i = 0; i < 100; i++) await WatchedRedisStore.create(store);
    await redis.config('SET', 'maxmemory', 0);
    await hasHeard(watch);

    const exists = await Promise.all(all.map(({ key }) => redis.exists(`session:{${key}}`)));
    const evicted = all.filter((_access, i) => exists[i] === 0);
    expect(evicted.length).toBeGreaterThan(0);
    expect(told).toEqual(expect.arrayContaining(evicted.map(({ key }) => key)));
  });

  it('reports a session that Redis deletes when it expires', async () => {
    const { store, told } = await quiet(open());
    const lifetime = { idleTimeoutMs: 300, absoluteTimeoutMs: 300, unjoinedTimeoutMs: 300 };
    const short = newAccess();
    await store.save({ ...short, writeId: 'w', mode: 'create', lifetime, parts: new Map() });
    told.length = 0;

    await eventually('it is told', () => told.length > 0);

    expect(told).toEqual([short.key]);
  });

  it('with durability watches loaded sessions, and reports own changes, made by another connection', async () => {
    const { store, told, watch, hasHeard } = await quiet(open({ durability: { replicas: 1, timeoutMs: 1 } }));
    const access = await session();
    expect(await store.load(access)).toMatchObject({ watch: {} });
    const change = { access, writeId: 'w', mode: 'update', parts: new Map() } as const;

    await expect(store.save(change)).rejects.toMatchObject({
      detail: expect.stringContaining('only 0 of 1 replicas have it'),
    });

    await hasHeard(watch);
    expect(told).toEqual([access.key]);
  });

  it('refuses a second near cache, which would get no reports of changes by the first one', async () => {
    const { store } = await open();

    expect(() => store.notices.subscribe(() => undefined)).toThrow(SessionConfigurationError);
  });

  describe('for a user without the rights to track changes', () => {
    it.each([
      ['CLIENT TRACKING', ['-client|tracking', '+subscribe', '&__redis__:invalidate'], /client\|tracking/],
      ['SUBSCRIBE', ['+client|tracking', '-subscribe', '&__redis__:invalidate'], /'subscribe'/],
      ['the channel', ['+client|tracking', '+subscribe'], /channel/],
    ])('(%s) says so once, and goes on without a watch', async (_title, rights, named) => {
      await redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pw', ...DOCUMENTED, ...rights);
      closing.push(() => redis.call('ACL', 'DELUSER', 'app'));
      const warnings: string[] = [];
      const url = server.url.replace('//', '//app:pw@');
      const { store } = await open({ url, onWarning: (warning) => warnings.push(warning) });
      const access = await session();
      const about = (): string[] => warnings.filter((warning) => warning.includes('near cache'));

      await eventually('it is said', () => about().length > 0);

      expect(about()).toEqual([expect.stringMatching(named)]);
      expect(about()).toEqual([expect.stringContaining('works in mode validate until')]);
      expect(await store.load(access)).not.toHaveProperty('watch');
      await WatchedRedisStore.change(store, access);
      await eventually('it has given up for now', async () => (await connections()).length === 0);

      // With the rights, it works at the latest on the next connection.
      await redis.call('ACL', 'SETUSER', 'app', '+client|tracking', '+subscribe', '&__redis__:invalidate');
      await redis.client('KILL', 'USER', 'app');
      await eventually('a watch', async () => 'watch' in (await store.load(access)));
      expect(about()).toHaveLength(1);
    });
  });

  it('works for a user with the documented rights', async () => {
    const rights = [...DOCUMENTED, '+subscribe', '&__redis__:invalidate'];
    await redis.call('ACL', 'SETUSER', 'app', 'reset', 'on', '>pw', ...rights);
    closing.push(() => redis.call('ACL', 'DELUSER', 'app'));
    const warnings: string[] = [];
    const url = server.url.replace('//', '//app:pw@');
    const watched = await open({ url, onWarning: (warning) => warnings.push(warning) });
    const access = await session();

    await watched.watch(access);

    expect(warnings).toEqual([]);
  });
});

/** Opens a store, and forgets the reports that came before it was ready. */
async function quiet(
  opening: Promise<WatchedRedisStore>,
): Promise<
  Pick<WatchedRedisStore, 'store' | 'told' | 'hasHeard'> & { watch: Awaited<ReturnType<WatchedRedisStore['watch']>> }
> {
  const watched = await opening;
  const { store, told } = watched;
  // With durability the call fails because there is no replica, but the session is stored.
  const first = newAccess();
  await WatchedRedisStore.create(store, first).catch(() => undefined);
  const watch = await watched.watch(first);
  told.length = 0;
  return { store, told, watch, hasHeard: (its) => watched.hasHeard(its) };
}
