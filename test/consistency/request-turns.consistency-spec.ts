import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { MemorySessionStore } from 'nestjs-session-beans';
import { SimulatedServer } from './simulated-server.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { PlainCounter, SummedCounter } from './counters.js';

const beans = [SummedCounter, PlainCounter];
const slow = (): Promise<void> => nextTurn();

describe('a request whose client has left', () => {
  it('updates its session with a commit that waits when the response ends, and starts no other', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const [server] = cluster.servers as [SimulatedServer];
    const client = await server.startSession();
    const events: string[] = [];
    server.events.on('created', () => void events.push('created'));
    const request = await server.request(client.copy()).begin();
    const bystander = await server.request(client.copy()).begin();
    request.bean(SummedCounter).value = 1;
    server.lifecycle.detach(request.session);
    const first = request.commit();
    request.bean(PlainCounter).value = 5;
    const second = request.commit();
    request.end();

    await Promise.all([first, second]);
    bystander.bean(SummedCounter).value = 10;
    await bystander.respond();
    expect(events).toEqual([]);
    expect(await cluster.stored(client, SummedCounter)).toMatchObject({ value: 11 });
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 5 });
    expect([cluster.leaked, cluster.memory.size]).toEqual([0, 1]);
  });

  it('stores an idle timeout that it sets, though nothing else has changed', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const [server] = cluster.servers as [SimulatedServer];
    const client = await server.startSession();
    const request = await server.request(client).begin();
    server.lifecycle.detach(request.session);
    request.http.setTimeouts({ idleTimeoutMs: 77_000 });
    await request.commit();
    request.end();

    await server.handle(client, ({ session }) => expect(session.live?.stored.lifetime.idleTimeoutMs).toBe(77_000));
  });
});

describe('a request that renews its id while it waits for the lock', () => {
  it('keeps the session under its new id', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: slow });
    const [server] = cluster.servers as [SimulatedServer];
    const client = await server.startSession();
    const old = client.id;
    const request = await server.request(client).begin();
    request.renewId();
    const renewed = request.commit();
    const locked = request.lock();
    await Promise.all([renewed, locked]);
    await request.respond();

    expect(client.id).not.toBe(old);
    await server.handle(client, ({ exists }) => expect(exists).toBe(true));
    await nextTurn();
    expect(cluster.leaked).toBe(0);
  });
});

describe('a commit that fails in the call', () => {
  it('forgets only what was done before it', async () => {
    const server = new SimulatedServer({ store: new MemorySessionStore(), beans, maxSessionBytes: 1_000 });
    const client = await server.startSession();
    await server.handle(client, async (request) => {
      Object.assign(request.bean(PlainCounter), { value: 'x'.repeat(2_000) });
      const failed = request.commit();
      request.bean(PlainCounter).value = 7;
      request.renewId();
      await expect(failed).rejects.toMatchObject({ code: 'SESSION_STATE_INVALID' });
      expect(request.bean(PlainCounter).value).toBe(7);
      expect(request.session.pendingActions.renew).toBe(true);
    });
  });
});
