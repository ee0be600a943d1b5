import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { type ClientAccess, type SaveResult, SessionStoreError } from 'nestjs-session-beans/store-kit';
import { newAccess, readyRedisStore, WatchedRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';
import { TcpProxy } from '../support/tcp-proxy.js';

type Call = (store: RedisSessionStore, access: ClientAccess) => unknown;

const lock = { token: 'token', leaseMs: 10_000 };

/** The calls that change something, with the operation that their error names. */
const CHANGES: Readonly<Record<string, Call>> = {
  save: (store, access) => change(store, access),
  destroy: (store, access) => store.destroy(access),
  touch: (store, access) => store.touch(access),
  lock: (store, access) => store.locks.acquire(access, lock),
  unlock: (store, access) => store.locks.release(access.key, lock),
};

/** What the store knows of the session. Without it, a save would ask first, and that changes nothing. */
let copy: unknown;

function change(store: RedisSessionStore, access: ClientAccess): Promise<SaveResult> {
  const parts = new Map([['b', { base: null, payload: '2' }]]);
  return store.save({ access, writeId: randomUUID(), mode: 'update', copy, parts });
}

function failureOf(operation: string, applied: SessionStoreError['applied']): object {
  return { name: SessionStoreError.name, store: 'redis', operation, applied, cause: expect.any(Error) };
}

describe('F4: whether a change of which Redis store says that it failed may have been applied:', () => {
  let redis: RedisServer;
  let network: TcpProxy;
  let url: string;
  let store: RedisSessionStore;
  const open: RedisSessionStore[] = [];
  const access = newAccess();
  beforeEach(async () => {
    redis = await RedisServer.start();
    network = await TcpProxy.start(redis.port);
    url = `redis://127.0.0.1:${network.port}`;
    store = await readyRedisStore({ url });
    open.push(store);
    const created = await WatchedRedisStore.create(store, access);
    copy = 'copy' in created ? created.copy : undefined;
    // Redis knows the scripts from now on: the next request of each is the one that counts.
    await change(store, newAccess());
    for (const call of Object.values(CHANGES).slice(1)) await call(store, newAccess());
  });
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
    await network.close();
    await redis.stop();
  });

  /** Redis gets the next request, and dies before it answers. */
  async function dieAtRequest(): Promise<void> {
    redis.signal('SIGSTOP');
    network.tamper = (piece, direction) => {
      if (direction === 'toServer') void redis.kill();
      return piece;
    };
  }

  it.each(Object.keys(CHANGES))(
    'unknown, when Redis is killed between the request and the answer of a %s',
    async (name) => {
      await dieAtRequest();

      await expect((async () => CHANGES[name]?.(store, access))()).rejects.toMatchObject(failureOf(name, 'unknown'));
    },
  );

  it.each(Object.keys(CHANGES))('false, when Redis is not reached with a %s', async (name) => {
    await redis.kill();
    // From here on the client knows that its connection is lost.
    await expect(store.load(access)).rejects.toMatchObject(failureOf('load', false));

    await expect((async () => CHANGES[name]?.(store, access))()).rejects.toMatchObject(failureOf(name, false));
  });

  it('unknown, when every answer to a save is lost, which was applied', async () => {
    network.losesAnswerTo = (request) => request.includes('\r\nupdate ');

    await expect(change(store, access)).rejects.toMatchObject(failureOf('save', 'unknown'));

    network.losesAnswerTo = () => false;
    const direct = await readyRedisStore({ url: redis.url });
    open.push(direct);
    expect(await direct.load(access)).toMatchObject({ record: { stamp: expect.stringMatching(/^2\./) } });
  });

  it('false, when Redis dies of a save that first asks what is stored', async () => {
    copy = undefined;
    await dieAtRequest();

    await expect(change(store, access)).rejects.toMatchObject(failureOf('save', false));
  });

  it('unknown for each of several saves that leave together, and false when none has left', async () => {
    const together = (): Promise<unknown> =>
      Promise.all(
        [1, 2].map(() =>
          change(store, access).then(
            () => 'saved',
            (error: SessionStoreError) => error.applied,
          ),
        ),
      );
    await dieAtRequest();
    expect(await together()).toEqual(['unknown', 'unknown']);
    expect(await together()).toEqual([false, false]);
  });

  it('unknown, when the request left on a connection of the near cache, and false when none did', async () => {
    const watched = await WatchedRedisStore.open({ url });
    open.push(watched.store);
    await watched.watch(access);
    await dieAtRequest();

    await expect(change(watched.store, access)).rejects.toMatchObject(failureOf('save', 'unknown'));
    await expect(change(watched.store, access)).rejects.toMatchObject(failureOf('save', false));
  });

  it('false, when Redis refuses the save: it is full, or is a replica', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory', 1);
    await expect(WatchedRedisStore.create(store)).rejects.toMatchObject(failureOf('save', false));
    await redis.command('CONFIG', 'SET', 'maxmemory', 0);

    await redis.command('REPLICAOF', '127.0.0.1', 1);
    await expect(change(store, access)).rejects.toMatchObject(failureOf('save', false));
  });

  it('unknown, when the primary has it and too few replicas do', async () => {
    const durable = await readyRedisStore({ url, durability: { replicas: 1, timeoutMs: 50 } });
    open.push(durable);

    const failure = { operation: 'save', applied: 'unknown', detail: expect.stringContaining('only 0 of 1 replicas') };
    await expect(change(durable, access)).rejects.toMatchObject(failure);
    const ending = (async () => durable.destroy(access))();
    await expect(ending).rejects.toMatchObject({ ...failure, operation: 'destroy' });
  });
});
