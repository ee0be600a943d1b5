import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { parseSessionHandle } from '../../libs/session/src/store/session-handle.js';
import { Account, Cart } from './login-beans.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { SimulatedClient, type SimulatedRequest } from './simulated-server.js';

const beans = [Cart, Account];

async function setUp(principal?: string, network?: () => Promise<void>) {
  const cluster = new SimulatedCluster({ servers: 2, beans, network });
  const client = await cluster.server(0).startSession(async ({ http }) => {
    if (principal !== undefined) await http.login(principal);
  });
  return { cluster, client, handle: await handleOf(cluster, client) };
}

/** The handle that the next request of a client reads. */
const handleOf = (cluster: SimulatedCluster, client: SimulatedClient) =>
  cluster.handle(1, client.copy(), ({ http }) => http.handle);

/** The principal of the session that a handle names. */
function principalOf(cluster: SimulatedCluster, handle: string | undefined): unknown {
  const named = parseSessionHandle(handle ?? '');
  const found = named && cluster.memory.load(named);
  return found?.outcome === 'found' ? found.record.principal : found?.outcome;
}

describe('the handle of a session', () => {
  it.each<[string, string | undefined, 'the same' | 'another', (request: SimulatedRequest) => void | Promise<void>]>([
    ['a change', 'alice', 'the same', (request) => void request.bean(Cart).items++],
    ['renewId()', 'alice', 'the same', (request) => request.http.renewId()],
    ['a login of the same principal', 'alice', 'the same', (request) => request.http.login('alice')],
    ['a login to an anonymous session', undefined, 'another', (request) => request.http.login('alice')],
    ['a login of another principal', 'alice', 'another', (request) => request.http.login('bob')],
  ])('after %s (principal: %s) is %s', async (_what, principal, which, run) => {
    const { cluster, client, handle } = await setUp(principal);
    await cluster.handle(0, client, async (request) => {
      await run(request);
      await request.http.flush();
      expect(request.http.handle === handle).toBe(which === 'the same');
    });
    const next = await handleOf(cluster, client);
    expect(next === handle).toBe(which === 'the same');
    expect(principalOf(cluster, next)).toBe(await cluster.handle(0, client, ({ http }) => http.principal));
  });

  it('finds nothing any more when another principal has logged in', async () => {
    const { cluster, client, handle } = await setUp('alice');
    expect(principalOf(cluster, handle)).toBe('alice');
    await cluster.handle(0, client, ({ http }) => http.login('bob'));
    expect(principalOf(cluster, handle)).toBe('none');
    expect(principalOf(cluster, await handleOf(cluster, client))).toBe('bob');
  });

  it('is undefined without a session, and known as soon as one is asked for', async () => {
    const { cluster } = await setUp();
    for (const start of [
      async ({ http }: SimulatedRequest) => http.start(),
      ({ http }: SimulatedRequest) => http.login('alice'),
    ]) {
      const client = new SimulatedClient();
      const told = await cluster.handle(0, client, async (request) => {
        expect(request.http.handle).toBeUndefined();
        await start(request);
        return request.http.handle;
      });
      expect(told).toBe(await handleOf(cluster, client));
    }
  });

  it('never names the session of another principal, though that has logged in first', async () => {
    const { cluster, client } = await setUp(undefined, () => nextTurn());
    const [alice, bob] = [client.copy(), client.copy()];
    const requests = await Promise.all([alice, bob].map((own, i) => cluster.server(i).request(own).begin()));
    const [first, second] = requests as [SimulatedRequest, SimulatedRequest];
    await second.http.login('bob');
    // For example for a job, or for a list of sessions.
    const told = second.http.handle;
    await first.http.login('alice');
    await first.respond();
    await second.respond();
    expect(principalOf(cluster, await handleOf(cluster, alice))).toBe('alice');
    expect(principalOf(cluster, await handleOf(cluster, bob))).toBe('bob');
    expect(principalOf(cluster, told)).not.toBe('alice');
  });
});
