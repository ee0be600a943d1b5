import { describe, expect, it } from '@jest/globals';
import { SessionStoreError } from '../errors/session-store.error.js';
import { MemorySessionStore } from './memory/memory-session-store.js';
import { accessOf, generateSessionId, renewedSessionId } from './session-id.js';
import type { SessionRecord } from './session-record.js';
import type { LoadResult, SessionStore } from './session-store.js';
import { StoreGateway } from './store-gateway.js';

const LIFETIME = { idleTimeoutMs: 60_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 60_000 };

const access = accessOf(generateSessionId());

function storeThat(load: SessionStore['load'], shared = false): SessionStore {
  return Object.assign(new MemorySessionStore(), { load, shared });
}

/** A gateway to a store with one session. */
async function gatewayToOne(answer: (record: SessionRecord) => SessionRecord = (record) => record) {
  const memory = new MemorySessionStore();
  const store: SessionStore = Object.assign(Object.create(memory) as SessionStore, {
    load: async (...call: Parameters<SessionStore['load']>): Promise<LoadResult> => {
      const result = memory.load(...call);
      return result.outcome === 'found' ? { ...result, record: answer(result.record) } : result;
    },
  });
  const gateway = new StoreGateway(store, 1_000);
  await gateway.save({ mode: 'create', ...access, lifetime: LIFETIME, parts: new Map() });
  return { gateway, memory };
}

describe('the gateway to the store', () => {
  it('makes a SessionStoreError of whatever a store throws, also at once, and goes on', async () => {
    let isBroken = true;
    const gateway = new StoreGateway(
      storeThat(() => {
        if (isBroken) throw new TypeError('broken');
        return Promise.resolve({ outcome: 'none' });
      }),
      1_000,
    );
    for (let i = 0; i < 6_000; i++) {
      await expect(async () => gateway.load(access)).rejects.toMatchObject({
        code: 'SESSION_STORE_UNAVAILABLE',
        status: 503,
      });
    }
    isBroken = false;
    await expect(gateway.load(access)).resolves.toEqual({ outcome: 'none' });
  });

  it('refuses at once when a store that hangs has 5,000 calls under way, and heals with it', async () => {
    const answers: (() => void)[] = [];
    let failures = 0;
    const gateway = new StoreGateway(
      storeThat(() => new Promise((resolve) => answers.push(() => resolve({ outcome: 'none' }))), true),
      1_000,
      1,
      { onFailure: () => failures++ },
    );
    const waiting = Array.from({ length: 5_000 }, async () => gateway.load(access));
    const results = await Promise.allSettled(waiting);
    expect(results.every((result) => result.status === 'rejected' && result.reason instanceof SessionStoreError)).toBe(
      true,
    );
    await expect(async () => gateway.load(access)).rejects.toMatchObject({
      detail: expect.stringContaining('5000 calls are under way already'),
    });
    expect(answers).toHaveLength(5_000);
    // Those that were late; a call that the store never saw is no failure of the store.
    expect(failures).toBe(5_000);
    for (const answer of answers) answer();
    await new Promise((resolve) => setImmediate(resolve));
    const healed = gateway.load(access);
    answers.at(-1)?.();
    await expect(healed).resolves.toEqual({ outcome: 'none' });
  });

  it('says whether a call that failed may have changed something: a load and a call not made never have', async () => {
    const broken = (): never => {
      throw new TypeError('broken');
    };
    const hanging = (): Promise<never> => new Promise(() => undefined);
    const refusing = (): Promise<never> =>
      Promise.reject(new SessionStoreError({ store: 'full', operation: 'save', problem: 'full', applied: false }));
    const change = { mode: 'update', access, parts: new Map() } as const;
    const gatewayOf = (call: () => never | Promise<never>): StoreGateway => {
      const calls = { load: call, save: call, touch: call, destroy: call, supersede: call };
      return new StoreGateway(Object.assign(new MemorySessionStore(), calls, { shared: true }), 1_000, 1);
    };
    const appliedOf = async (call: () => unknown): Promise<unknown> =>
      (async () => call())().catch((error: unknown) => (error as SessionStoreError).applied);

    for (const gateway of [gatewayOf(broken), gatewayOf(hanging)]) {
      expect(await appliedOf(() => gateway.load(access))).toBe(false);
      expect(await appliedOf(() => gateway.look(access))).toBe(false);
      expect(await appliedOf(() => gateway.save(change))).toBe('unknown');
      expect(await appliedOf(() => gateway.touch(access))).toBe('unknown');
      expect(await appliedOf(() => gateway.destroy(access))).toBe('unknown');
      expect(await appliedOf(() => gateway.lock(access, 'token', 1_000))).toBe(false);
    }
    expect(await appliedOf(() => gatewayOf(refusing).save(change))).toBe(false);
    const crowded = gatewayOf(hanging);
    for (let i = 0; i < 5_000; i++) void crowded.touch(access).catch(() => undefined);
    expect(await appliedOf(() => crowded.save(change))).toBe(false);
  });

  it('takes a session with another proof than the client has for a failure of the store', async () => {
    const { gateway } = await gatewayToOne((record) => ({ ...record, proof: accessOf(generateSessionId()).proof }));

    await expect(gateway.load(access)).rejects.toMatchObject({
      code: 'SESSION_STORE_UNAVAILABLE',
      detail: expect.stringContaining('it answered with a session whose id the client does not have'),
    });
  });

  it('tells of a client that came back as one that has joined and confirmed its id', async () => {
    const { gateway } = await gatewayToOne();

    expect(await gateway.load(access)).toMatchObject({ record: { joined: true, confirmed: true } });
    const to = accessOf(renewedSessionId(access.key));
    const renewal = { mode: 'update', access, renewal: { proof: to.proof }, parts: new Map() } as const;
    const saved = await gateway.save(renewal);
    expect(saved).toMatchObject({ outcome: 'saved', times: { joined: true, confirmed: false } });
    const { stamp } = saved as { stamp: string };
    expect(await gateway.load(to, stamp)).toMatchObject({ times: { joined: true, confirmed: true } });
  });

  it('looks for a session without using it', async () => {
    const { gateway, memory } = await gatewayToOne();

    expect(await gateway.look(access)).toMatchObject({ outcome: 'found' });
    expect(memory.load(access)).toMatchObject({ record: { joined: false, confirmed: false } });
  });
});
