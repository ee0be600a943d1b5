import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { RedisSessionStore } from 'nestjs-session-beans/redis';
import { type ClientAccess, type SessionKey, accessOf } from 'nestjs-session-beans/store-kit';
import { renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { newAccess, readyRedisStore } from '../support/redis-stores.js';
import { rounds } from '../support/rounds.js';

const LIFETIME = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 3_600_000, unjoinedTimeoutMs: 600_000 };
const USERS = 8;
const CLIENTS = 40;

describe('users who log in and out while a replica takes over', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let before: RedisSessionStore;
  let after: RedisSessionStore | undefined;
  beforeEach(async () => {
    primary = await RedisServer.start('--repl-diskless-sync-delay', '0');
    replica = await RedisServer.start('--replicaof', '127.0.0.1', `${primary.port}`);
    const isUp = async (): Promise<boolean> => (await replica.info('replication', 'master_link_status')) === 'up';
    await eventually('the replica follows', isUp);
    before = await readyRedisStore({ url: primary.url });
  });
  afterEach(async () => {
    await Promise.all([before?.close(), after?.close()]);
    after = undefined;
    await Promise.all([primary.stop(), replica.stop()]);
  });

  it('have lists with exactly the sessions that the new primary has', async () => {
    for (let round = 0; round < rounds(1, 10); round++) {
      if (round > 0) await restart();
      const keys = await logInDuringFailover();
      expect(await listed()).toEqual(await alive(keys));
    }
  });

  async function restart(): Promise<void> {
    await Promise.all([before.close(), after?.close()]);
    await Promise.all([primary.stop(), replica.stop()]);
    primary = await RedisServer.start('--repl-diskless-sync-delay', '0');
    replica = await RedisServer.start('--replicaof', '127.0.0.1', `${primary.port}`);
    const isUp = async (): Promise<boolean> => (await replica.info('replication', 'master_link_status')) === 'up';
    await eventually('the replica follows', isUp);
    before = await readyRedisStore({ url: primary.url });
  }

  /** @returns the keys of all sessions that there were */
  async function logInDuringFailover(): Promise<SessionKey[]> {
    const keys: SessionKey[] = [];
    const run = { isOver: false, steps: 0 };
    const clients = Array.from({ length: CLIENTS }, async (_, i) => {
      const principal = `user ${i % USERS}`;
      while (!run.isOver) {
        await logInAndOut(principal, i + run.steps, keys);
        run.steps++;
      }
    });
    await eventually('there are some sessions', () => run.steps > 10 * CLIENTS);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    const steps = run.steps;
    await eventually('the old primary has more', () => run.steps > steps + 5 * CLIENTS);
    run.isOver = true;
    await Promise.all(clients);
    await primary.kill();
    after = await readyRedisStore({ url: replica.url });
    return keys;
  }

  /** A new session, or an anonymous one to which the user logs in; every third one ends again. */
  async function logInAndOut(principal: string, step: number, keys: SessionKey[]): Promise<void> {
    const access = newAccess();
    keys.push(access.key);
    const isNew = step % 2 === 0;
    const creation = {
      mode: 'create',
      ...access,
      lifetime: LIFETIME,
      writeId: randomUUID(),
      parts: new Map(),
    } as const;
    await before.save(isNew ? { ...creation, principal } : creation);
    if (!isNew) await before.save(loginOf(access, principal));
    if (step % 3 === 0) await before.destroy({ key: access.key, logins: 1 });
  }

  function loginOf(access: ClientAccess, principal: string): Parameters<RedisSessionStore['save']>[0] {
    const { proof } = accessOf(renewedSessionId(access.key));
    return { mode: 'update', access, writeId: randomUUID(), renewal: { proof, principal }, parts: new Map() };
  }

  async function alive(keys: readonly SessionKey[]): Promise<SessionKey[]> {
    const found = await Promise.all(
      keys.map(async (key) => (await after?.load({ key, logins: 1 }))?.outcome === 'found'),
    );
    return keys.filter((_, i) => found[i]).toSorted();
  }

  async function listed(): Promise<SessionKey[]> {
    const keys: SessionKey[] = [];
    for (let i = 0; i < USERS; i++) {
      let next: string | undefined;
      do {
        const page = await after?.principals.list(`user ${i}`, { limit: 50, after: next, parts: [] });
        keys.push(...(page?.sessions ?? []).map(({ key }) => key));
        next = page?.next;
      } while (next !== undefined);
    }
    return keys.toSorted();
  }
});
