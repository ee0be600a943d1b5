import { describe, expect, it } from '@jest/globals';
import { PlainCounter, SummedCounter } from './counters.js';
import { SimulatedServer } from './simulated-server.js';
import { MemorySessionStore } from 'nestjs-session-beans';
import { accessOf } from 'nestjs-session-beans/store-kit';

const beans = [SummedCounter, PlainCounter];

/** A request that has changed something in an existing session, without waiting for a promise since it began. */
async function changed(server: SimulatedServer) {
  const client = await server.startSession();
  const request = server.request(client);
  const begun = server.lifecycle.begin(request.session);
  if (begun) await begun;
  request.bean(PlainCounter).value = 1;
  return { client, request, begun };
}

describe('a store that answers at once', () => {
  it('has loaded and stored the session when the call returns', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans });
    const { client, request, begun } = await changed(server);

    expect(begun).toBeUndefined();
    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    request.end();
    await server.handle(client, (next) => expect(next.bean(PlainCounter).value).toBe(1));
  });

  it('stores the changes of overlapping requests, each with its own commit, and refuses conflicts', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans });
    const { client, request } = await changed(server);
    const other = await server.request(client.copy()).begin();
    other.bean(PlainCounter).value = 2;
    other.bean(SummedCounter).value = 5;

    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    await expect(other.commit()).rejects.toMatchObject({ conflicts: [{ bean: 'plain', field: 'value' }] });
    other.bean(SummedCounter).value = 7;
    expect(server.lifecycle.commit(other.session)).toBeUndefined();

    request.end();
    other.end();
    await server.handle(client, (next) => {
      expect(next.bean(PlainCounter).value).toBe(1);
      expect(next.bean(SummedCounter).value).toBe(7);
    });
  });

  it('refuses the commit when it is full, forgets the refused change, and reports the failure', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore({ maxBytes: 20_000 }), beans });
    const { client, request } = await changed(server);
    Object.assign(request.bean(PlainCounter), { note: 'x'.repeat(20_000) });

    await expect(request.commit()).rejects.toMatchObject({ status: 503, operation: 'save', store: 'memory' });
    request.bean(PlainCounter).value = 3;
    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    request.end();
    await server.handle(client, (next) => expect(next.bean(PlainCounter)).toMatchObject({ value: 3 }));
  });

  it('refuses the commit when the session was destroyed directly in the store', async () => {
    const store = new MemorySessionStore();
    const server = new SimulatedServer({ store, beans });
    const { client, request } = await changed(server);
    store.destroy(accessOf(client.id as string));

    await expect(request.commit()).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    request.end();
    expect(server.liveSessions.size).toBe(0);
  });

  it('is awaited on the same path when its methods take time', async () => {
    const slow = new MemorySessionStore();
    const [load, save] = [slow.load.bind(slow), slow.save.bind(slow)];
    Object.assign(slow, {
      load: async (...call: Parameters<typeof load>) => load(...call),
      save: async (...call: Parameters<typeof save>) => save(...call),
    });
    const server = new SimulatedServer({ store: slow, beans });
    const { client, request, begun } = await changed(server);

    expect(begun).toBeInstanceOf(Promise);
    const stored = server.lifecycle.commit(request.session);
    expect(stored).toBeInstanceOf(Promise);
    await stored;
    request.end();
    await server.handle(client, (next) => expect(next.bean(PlainCounter).value).toBe(1));
  });

  it('settles the failed commit, and the commit that a listener of failures makes', async () => {
    const full = new MemorySessionStore({ maxBytes: 20_000 });
    const server = new SimulatedServer({ store: full, beans });
    const { client, request } = await changed(server);
    const other = await server.request(client.copy()).begin();
    other.bean(SummedCounter).value = 5;
    const outcomes: Promise<unknown>[] = [];
    server.onStoreFailure = () => {
      server.onStoreFailure = () => undefined;
      outcomes.push(other.commit().catch((error: unknown) => error));
    };
    Object.assign(request.bean(PlainCounter), { note: 'x'.repeat(20_000) });

    await expect(request.commit()).rejects.toMatchObject({ status: 503, operation: 'save' });
    expect(outcomes).toHaveLength(1);
    await expect(outcomes[0]).resolves.toMatchObject({ status: 503, operation: 'save' });
    other.bean(SummedCounter).value = 6;
    await other.commit();
    request.end();
    other.end();
    await server.handle(client, (next) => expect(next.bean(SummedCounter).value).toBe(6));
  });
});
