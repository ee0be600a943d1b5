import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { SimulatedCluster } from './simulated-cluster.js';
import { PlainCounter, SummedCounter } from './counters.js';
import { SimulatedClient, type SimulatedRequest, SimulatedServer } from './simulated-server.js';
import type { OnBeanDestroyed } from '../../libs/session/src/bean/bean-life-cycle.js';
import { SessionScoped } from '../../libs/session/src/bean/session-scoped.decorator.js';
import { accessOf } from '../../libs/session/src/store/session-id.js';
import { MemorySessionStore } from '../../libs/session/src/store/memory/memory-session-store.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';

const beans = [SummedCounter, PlainCounter];
const slow = (): Promise<void> => nextTurn();

describe('two commits of one request at once', () => {
  it('store its changes once', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = await cluster.server(0).startSession();
    await cluster.handle(0, client, async (request) => {
      request.bean(SummedCounter).value = 1;
      await Promise.all([request.commit(), request.commit(), request.commit()]);
    });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 1 });
    expect(cluster.store.calls.save).toBe(2);
  });

  it('start one session', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = new SimulatedClient();
    await cluster.handle(0, client, async (request) => {
      request.bean(SummedCounter).value = 1;
      await Promise.all([request.commit(), request.commit()]);
      expect(request.handedOut?.id).toBe(request.session.id);
    });
    expect(cluster.memory.size).toBe(1);
    expect(cluster.leaked).toBe(0);
  });
});

describe('a change by a parallel branch of the request during a commit', () => {
  it('is stored with the next commit', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = await cluster.server(0).startSession();
    await cluster.handle(0, client, async (request) => {
      const counter = request.bean(PlainCounter);
      counter.value = 1;
      const flushed = request.commit();
      counter.value = 2;
      request.bean(SummedCounter).value = 5;
      await flushed;
    });
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 2 });
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 5 });
  });

  it('is merged with changes of others, and a conflict refuses only the next commit', async () => {
    const cluster = new SimulatedCluster({ servers: 2, beans });
    const client = await cluster.server(0).startSession();
    const request = await cluster.server(0).request(client.copy()).begin();
    const counter = request.bean(PlainCounter);
    counter.other = 1;
    cluster.store.network = async (leg, operation) => {
      if (leg === 'reply' || operation !== 'save') return;
      cluster.store.network = async () => undefined;
      counter.value = 2;
      await cluster.handle(1, client.copy(), (other) => void (other.bean(PlainCounter).value = 3));
    };
    await request.commit();
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 3, other: 1 });
    await expect(request.commit()).rejects.toMatchObject({ conflicts: [{ bean: 'plain', field: 'value' }] });
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 3, other: 1 });
    request.end();
  });

  it('renews the id if it is a login', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = await cluster.server(0).startSession();
    const old = client.copy();
    await cluster.handle(0, client, async (request) => {
      request.bean(SummedCounter).value = 1;
      const flushed = request.commit();
      request.renewId();
      await flushed;
    });
    expect(client.id).not.toBe(old.id);
    expect(await cluster.stored(old, SummedCounter)).toBeUndefined();
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 1 });
  });

  it('ends the session that the commit creates if it is a logout', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = new SimulatedClient();
    await cluster.handle(0, client, async (request) => {
      request.bean(SummedCounter).value = 1;
      await Promise.all([request.commit(), request.invalidate()]);
      expect(request.exists).toBe(false);
    });
    expect(cluster.memory.size).toBe(0);
    expect(cluster.leaked).toBe(0);
  });

  it('keeps the request in need of a commit, so that no refusal is missed', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = await cluster.server(0).startSession();
    const request = await cluster.server(0).request(client).begin();
    request.bean(SummedCounter).value = 1;
    const flushed = request.commit();
    expect(cluster.server(0).lifecycle.needsCommit(request.session)).toBe(true);
    await request.respond();
    await flushed;
    expect(cluster.leaked).toBe(0);
  });
});

describe('a client that leaves', () => {
  it.each(['create', 'update', 'renew'] as const)(
    'during a commit (%s) while another one waits: both are stored completely, and nothing leaks',
    async (what) => {
      const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
      const client = what === 'create' ? new SimulatedClient() : await cluster.server(0).startSession();
      const events: string[] = [];
      for (const event of ['created', 'renewed'] as const)
        cluster.server(0).events.on(event, () => void events.push(event));
      const request = await cluster.server(0).request(client).begin();
      request.bean(SummedCounter).value = 1;
      if (what === 'renew') request.renewId();
      const first = request.commit();
      request.bean(PlainCounter).value = 5;
      const second = request.commit();
      request.end();
      await Promise.all([first, second]);
      const { id } = request.session;
      await nextTurn();
      expect(events).toEqual({ create: ['created'], update: [], renew: ['renewed'] }[what]);
      expect(id === client.id).toBe(what === 'update');
      const stored = new SimulatedClient(id);
      expect(await cluster.stored(stored, SummedCounter)).toMatchObject({ value: 1 });
      expect(await cluster.stored(stored, PlainCounter)).toMatchObject({ value: 5 });
      expect(cluster.leaked).toBe(0);
      expect(cluster.memory.size).toBe(1);
    },
  );

  it('while the session is loaded: nothing leaks', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const client = await cluster.server(0).startSession();
    const request = cluster.server(0).request(client);
    const begun = request.begin();
    request.end();
    await begun;
    expect(cluster.leaked).toBe(0);
  });
});

describe('a request', () => {
  it('continues with the session that it has started, even when a later commit is refused', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans, maxSessionBytes: 1_000 });
    await server.handle(new SimulatedClient(), async (request) => {
      request.bean(PlainCounter).value = 7;
      await request.commit();
      Object.assign(request.bean(PlainCounter), { value: 'x'.repeat(2_000) });
      await expect(request.commit()).rejects.toMatchObject({ code: 'SESSION_STATE_INVALID' });
      expect(request.bean(PlainCounter).value).toBe(7);
    });
  });

  it('keeps the idle timeout that it set before the session existed', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans });
    await server.handle(new SimulatedClient(), async (request) => {
      request.http.setTimeouts({ idleTimeoutMs: 123_000 });
      await request.commit();
      request.bean(PlainCounter).value = 1;
      await request.commit();
      expect(request.session.live?.stored.lifetime.idleTimeoutMs).toBe(123_000);
    });
  });

  it('that only reads is answered even if the session ends meanwhile', async () => {
    const clock = new ManualClock();
    const cluster = new SimulatedCluster({ servers: 1, beans, clock });
    const client = await cluster.server(0).startSession();
    const stream = await cluster.server(0).request(client.copy()).begin();
    expect(stream.bean(PlainCounter).value).toBe(0);
    cluster.memory.destroy(accessOf(client.id as string));
    clock.advance(120_000);
    await stream.respond();
    expect(cluster.store.calls.touch).toBe(1);
    expect(cluster.leaked).toBe(0);
  });

  it.each<[string, (request: SimulatedRequest) => unknown, unknown]>([
    ['a bean', (request) => request.bean(PlainCounter).value, 1],
    ['the names of the beans', (request) => request.http.beanNames, ['plain']],
  ])('that has read an unstored change fails when that change is refused (%s)', async (_what, readIn, seen) => {
    const cluster = new SimulatedCluster({ servers: 2, beans });
    const client = await cluster.server(0).startSession();
    const [writer, reader] = await Promise.all([0, 1].map(() => cluster.server(0).request(client.copy()).begin()));
    if (!writer || !reader) throw new Error('unreachable');
    writer.bean(PlainCounter).value = 1;
    cluster.store.network = async (leg, operation) => {
      if (leg === 'reply' || operation !== 'save') return;
      cluster.store.network = async () => undefined;
      await cluster.handle(1, client.copy(), (request) => void (request.bean(PlainCounter).value = 2));
    };
    const written = writer.respond();
    reader.session.unit?.rollback();
    expect(readIn(reader)).toEqual(seen);
    const read = reader.respond();
    await expect(written).rejects.toMatchObject({ code: 'SESSION_CONFLICT' });
    await expect(read).rejects.toMatchObject({ code: 'SESSION_CONFLICT' });
    expect(cluster.leaked).toBe(0);
  });
});

@SessionScoped({ name: 'cleaner' })
class Cleaner implements OnBeanDestroyed {
  static onDestroyed: () => void | Promise<void> = () => undefined;
  open = false;

  onBeanDestroyed(): void | Promise<void> {
    return Cleaner.onDestroyed();
  }
}

describe('onBeanDestroyed', () => {
  async function logout(onDestroyed: (commit: () => Promise<void>) => void | Promise<void>, damage = false) {
    const store = new MemorySessionStore();
    const server = new SimulatedServer({ store, beans: [Cleaner] });
    const client = await server.startSession((request) => void (request.bean(Cleaner).open = true));
    if (damage) {
      const access = accessOf(client.id as string);
      const found = store.load(access);
      const base = found.outcome === 'found' ? (found.record.parts.get('cleaner')?.version ?? null) : null;
      store.save({ mode: 'update', access, writeId: 'x', parts: new Map([['cleaner', { base, payload: 'damaged' }]]) });
    }
    const request = await server.request(client).begin();
    Cleaner.onDestroyed = () => onDestroyed(() => request.commit());
    await request.invalidate();
    request.end();
    return { size: store.size, errors: server.hookErrors };
  }

  it('may commit the request', async () => {
    expect(await logout((commit) => commit())).toEqual({ size: 0, errors: [] });
  });

  it('does not undo the logout when it throws, or when its bean cannot be decoded', async () => {
    const failure = new Error('no');
    expect(await logout(() => Promise.reject(failure))).toEqual({ size: 0, errors: [failure] });
    expect(await logout(() => undefined, true)).toMatchObject({ size: 0, errors: [{ code: 'SESSION_STATE_INVALID' }] });
  });
});
