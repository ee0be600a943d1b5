import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { MemorySessionStore } from 'nestjs-session-beans';
import { SimulatedCluster } from './simulated-cluster.js';
import { SummedCounter } from './counters.js';
import { RemoteStore } from './remote-store.js';
import { SimulatedClient, SimulatedServer, keepAll } from './simulated-server.js';
import { generateSessionId } from '../../libs/session/src/store/session-id.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';

const beans = [SummedCounter];

describe('LiveSessions', () => {
  it('does not load once per request: requests that come during a load share the next one', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans, network: () => nextTurn() });
    const client = await cluster.server(0).startSession();
    const before = cluster.store.calls.load;
    const requests = await Promise.all(
      Array.from({ length: 50 }, () => cluster.server(0).request(client.copy()).begin()),
    );
    // Three loads: of the first request, of the first one that joins it, and one for all others.
    expect(cluster.store.calls.load - before).toBeLessThanOrEqual(3);
    expect(new Set(requests.map(({ session }) => session.live)).size).toBe(1);
    expect(cluster.leaked).toBe(1);
    for (const request of requests) request.end();
    expect(cluster.leaked).toBe(0);
  });

  it('does not load a kept session from a store of this server while its end of life is not due', async () => {
    const store = Object.assign(new RemoteStore(new MemorySessionStore()), { shared: false });
    const server = new SimulatedServer({ store, beans, nearCache: keepAll });
    const client = await server.startSession((request) => void request.bean(SummedCounter).value++);
    // A load answers with the times from before it. So the second load is the first to report that the client has
    // joined.
    await server.handle(client, () => undefined);
    const before = store.calls.load;
    for (let i = 0; i < 20; i++) await server.handle(client, (request) => void request.bean(SummedCounter).value++);
    expect(store.calls.load).toBe(before);
    expect(await server.handle(client, (request) => request.bean(SummedCounter).value)).toBe(21);
  });

  it('keeps nothing of an id without a session', async () => {
    const cluster = new SimulatedCluster({ servers: 1, beans });
    const unknown = new SimulatedClient(generateSessionId());
    expect(await cluster.handle(0, unknown, ({ exists }) => exists)).toBe(false);
    expect(cluster.leaked).toBe(0);
  });

  it('forgets a retained session when it finds that the session has ended', async () => {
    const clock = new ManualClock();
    const cluster = new SimulatedCluster({ servers: 1, beans, clock, nearCache: keepAll });
    const client = await cluster.server(0).startSession();
    expect(cluster.leaked).toBe(1);
    clock.advance(1_800_001);
    expect(await cluster.handle(0, client, ({ exists }) => exists)).toBe(false);
    expect(cluster.leaked).toBe(0);
  });
});
