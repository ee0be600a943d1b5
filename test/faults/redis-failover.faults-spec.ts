import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ClientAccess, SessionStore } from 'nestjs-session-beans/store-kit';
import { accessOf, renewedSessionId } from '../../libs/session/src/store/session-id.js';
import { eventually } from '../support/eventually.js';
import { newAccess, readyRedisStore } from '../support/redis-stores.js';
import { RedisServer } from '../support/redis-server.js';

/** So many former ids of a session are recognised. */
const RECOGNISED_IDS = 4;

const LIFETIME = { idleTimeoutMs: 600_000, absoluteTimeoutMs: 3_600_000, unjoinedTimeoutMs: 600_000 };

describe('sessions that get new ids while a replica takes over', () => {
  let primary: RedisServer;
  let replica: RedisServer;
  let before: SessionStore;
  let after: SessionStore;
  beforeEach(async () => {
    primary = await RedisServer.start('--repl-diskless-sync-delay', '0');
    replica = await RedisServer.start('--replicaof', '127.0.0.1', `${primary.port}`);
    const isUp = async (): Promise<boolean> => (await replica.info('replication', 'master_link_status')) === 'up';
    await eventually('the replica follows', isUp);
    before = await readyRedisStore({ url: primary.url });
  });
  afterEach(async () => {
    await Promise.all([before?.close(), after?.close()]);
    await Promise.all([primary.stop(), replica.stop()]);
  });

  it('[I12] are as they were at one moment: each id opens the state that was saved with it, or nothing', async () => {
    const sessions = await renewedDuringFailover(before);

    for (const session of sessions) {
      const { generation, proof, payload } = await recordOf(session);
      expect({ proof, payload }).toEqual({ proof: session.ids[generation]?.proof, payload: `${generation}` });
      const outcomes = await Promise.all(session.ids.map(async (id) => (await after.load(id)).outcome));
      expect(outcomes).toEqual(session.ids.map((_id, i) => outcomeOf(i, generation)));
      // There are newer ids, which the old primary has given to the client and the new one has never heard of.
      expect(generation).toBeLessThan(session.ids.length - 1);
    }
  });

  it('[I12] would be mixed if parts and id were saved one after the other', async () => {
    const inTwoSteps = async (change: Renewal): Promise<string> => {
      const saved = await before.save({ ...change, renewal: undefined });
      // Most sessions are between the two steps at any moment, and not all at the same one.
      await pause(10 * Math.random());
      await before.save({ ...change, parts: new Map(), writeId: `${change.writeId}-id` });
      return saved.outcome === 'saved' ? saved.stamp : '';
    };
    const sessions = await renewedDuringFailover(before, inTwoSteps);

    const records = await Promise.all(sessions.map(recordOf));
    expect(records.filter(({ generation, payload }) => payload !== `${generation}`)).not.toEqual([]);
  });

  interface RenewedSession {
    /** All that it was given, oldest first. */
    readonly ids: ClientAccess[];
  }

  type Renewal = Extract<Parameters<SessionStore['save']>[0], { readonly mode: 'update' }>;

  /**
   * Gives sessions new ids, again and again, each with a part that says how often. Meanwhile the replica becomes a
   * primary, and after it has, each session gets more ids from the old primary.
   */
  async function renewedDuringFailover(
    store: SessionStore,
    save = async (change: Renewal): Promise<string> => {
      const result = await store.save(change);
      return result.outcome === 'saved' ? result.stamp : '';
    },
  ): Promise<RenewedSession[]> {
    const sessions = Array.from({ length: 40 }, () => ({ ids: [newAccess()] }));
    const run = { isOver: false };
    const renewing = sessions.map(async ({ ids }) => {
      let access = ids[0] as ClientAccess;
      const first = new Map([['a', { base: null, payload: '0' }]]);
      await store.save({ ...access, mode: 'create', writeId: 'creation', lifetime: LIFETIME, parts: first });
      let base = '1.creation';
      while (!run.isOver) {
        const to = accessOf(renewedSessionId(access.key));
        const parts = new Map([['a', { base, payload: `${ids.length}` }]]);
        base = await save({ access, mode: 'update', writeId: `w${ids.length}`, renewal: { proof: to.proof }, parts });
        ids.push(to);
        access = to;
      }
    });
    const fewest = (): number => Math.min(...sessions.map(({ ids }) => ids.length));
    await eventually('the replica has all', async () => (await replica.command('DBSIZE')) === sessions.length);
    await eventually('each session has new ids', () => fewest() > 5);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    const most = Math.max(...sessions.map(({ ids }) => ids.length));
    await eventually('each session has newer ones', () => fewest() > most);
    run.isOver = true;
    await Promise.all(renewing);
    await primary.kill();
    after = await readyRedisStore({ url: replica.url });
    return sessions;
  }

  async function recordOf({ ids }: RenewedSession): Promise<{ generation: number; proof: string; payload?: string }> {
    const result = await after.load({ key: (ids[0] as ClientAccess).key, logins: 0 });
    if (result.outcome !== 'found') throw new Error(`the session is ${result.outcome}`);
    const { generation, proof, parts } = result.record;
    return { generation, proof, payload: parts.get('a')?.payload };
  }
});

/** The outcome of a load with an id, by its number, of a session whose id was renewed so many times. */
function outcomeOf(id: number, generation: number): string {
  if (id === generation) return 'found';
  return id < generation && id >= generation - RECOGNISED_IDS ? 'superseded' : 'none';
}
