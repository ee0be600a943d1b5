import { describe, expect, it, jest } from '@jest/globals';
import { PlainCounter } from '../../../../test/consistency/plain-counter.js';
import { SummedCounter } from '../../../../test/consistency/summed-counter.js';
import { SimulatedServer } from '../../../../test/support/simulated-server.js';
import type { LoadOptions } from './session-store.js';
import { MemorySessionStore } from './memory/memory-session-store.js';

const beans = [SummedCounter, PlainCounter];
let store: MemorySessionStore;

/** A request of a client with a session, that has changed something; no promise was waited for since it began. */
async function changed(server: SimulatedServer) {
  const client = await server.startSession();
  const request = server.request(client);
  const begun = server.lifecycle.begin(request.session);
  if (begun) await begun;
  request.bean(PlainCounter).value = 1;
  return { client, request, begun };
}

describe('a store that answers at once', () => {
  it('has loaded and stored when the call returns', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans });
    const { client, request, begun } = await changed(server);

    expect(begun).toBeUndefined();
    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    request.end();
    await server.handle(client, (next) => expect(next.bean(PlainCounter).value).toBe(1));
  });

  it('stores what requests do that overlap, each with its own commit, and refuses what conflicts', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans });
    const { client, request } = await changed(server);
    const other = await server.request(client.fork()).begin();
    other.bean(PlainCounter).value = 2;
    other.bean(SummedCounter).value = 5;

    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    await expect(other.commit()).rejects.toMatchObject({ bean: 'plain', field: 'value' });
    other.bean(SummedCounter).value = 7;
    expect(server.lifecycle.commit(other.session)).toBeUndefined();

    request.end();
    other.end();
    await server.handle(client, (next) => {
      expect(next.bean(PlainCounter).value).toBe(1);
      expect(next.bean(SummedCounter).value).toBe(7);
    });
  });

  it('that is full refuses the commit, forgets what it was to store, and tells of the failure', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore({ maxBytes: 20_000 }), beans });
    const { client, request } = await changed(server);
    Object.assign(request.bean(PlainCounter), { note: 'x'.repeat(20_000) });

    await expect(request.commit()).rejects.toMatchObject({ status: 503, operation: 'save', store: 'memory' });
    request.bean(PlainCounter).value = 3;
    expect(server.lifecycle.commit(request.session)).toBeUndefined();
    request.end();
    await server.handle(client, (next) => expect(next.bean(PlainCounter)).toMatchObject({ value: 3 }));
  });

  it('whose session was destroyed behind its back refuses the commit', async () => {
    store = new MemorySessionStore();
    const server = new SimulatedServer({ store, beans });
    const { request } = await changed(server);
    await store.destroy(request.session.live?.key ?? '');

    await expect(request.commit()).rejects.toMatchObject({ code: 'SESSION_ENDED' });
    request.end();
    expect(server.liveSessions.size).toBe(0);
  });

  it('and whose method somebody has replaced is asked through what took its place', async () => {
    const spied = new MemorySessionStore();
    const [load, save] = [jest.spyOn(spied, 'load'), jest.spyOn(spied, 'save')];
    const server = new SimulatedServer({ store: spied, beans });
    const { request, begun } = await changed(server);
    const saves = save.mock.calls.length;

    expect(begun).toBeInstanceOf(Promise);
    expect(load).toHaveBeenCalled();
    await server.lifecycle.commit(request.session);
    expect(save).toHaveBeenCalledTimes(saves + 1);
    request.end();
  });

  it.each([
    ['a Proxy', (method: object) => new Proxy(method, {})],
    [
      'a function that inherits from it',
      (method: object) =>
        Object.setPrototypeOf((...call: unknown[]) => Reflect.apply(method as () => unknown, store, call), method),
    ],
  ] as const)('and whose method is wrapped in %s is asked through that', async (_, wrap) => {
    store = new MemorySessionStore();
    const server = new SimulatedServer({ store, beans });
    const { request } = await changed(server);
    Object.assign(store, { save: wrap(Reflect.get(store, 'save') as object) });

    const stored = server.lifecycle.commit(request.session);

    expect(stored).toBeInstanceOf(Promise);
    await stored;
    request.end();
  });

  it('settles what a listener of its failures commits, and what had failed', async () => {
    const full = new MemorySessionStore({ maxBytes: 20_000 });
    const server = new SimulatedServer({ store: full, beans });
    const { client, request } = await changed(server);
    const other = await server.request(client.fork()).begin();
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

  it('and that is made a subclass of is asked through that', async () => {
    let loads = 0;
    class CountingStore extends MemorySessionStore {
      override load(key: string, options?: LoadOptions) {
        loads++;
        return super.load(key, options);
      }
    }
    const server = new SimulatedServer({ store: new CountingStore(), beans });

    await server.startSession();

    expect(loads).toBeGreaterThan(0);
  });
});
