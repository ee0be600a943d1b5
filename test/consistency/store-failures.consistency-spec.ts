import { setImmediate as nextTurn } from 'node:timers/promises';
import { types } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { SessionEndedError, SessionStoreError } from 'nestjs-session-beans';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import type { StoreOperation } from './remote-store.js';
import { SimulatedClient, type SimulatedRequest } from './simulated-server.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { PlainCounter, SummedCounter } from './counters.js';

type Leg = 'request' | 'reply';

const legs: Leg[] = ['request', 'reply'];

/** A session with the value 1 in two beans, and a network that can lose one leg of an operation. */
async function setUp(servers = 1) {
  let lost: { readonly leg: Leg; readonly operation: StoreOperation } | undefined;
  const network = async (leg: Leg, operation: StoreOperation): Promise<void> => {
    if (leg === lost?.leg && operation === lost.operation) throw new Error('connection reset');
  };
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers, beans: [SummedCounter, PlainCounter], network, clock });
  const client = await cluster.server(0).startSession((request) => write(request, 1));
  return {
    cluster,
    client,
    clock,
    lose: (leg: Leg, operation: StoreOperation) => void (lost = { leg, operation }),
    heal: () => void (lost = undefined),
    /** The value that the next request of the client reads on the server of the failure. */
    read: () =>
      cluster.handle(0, client.copy(), (request) =>
        request.exists ? [request.bean(SummedCounter).value, request.bean(PlainCounter).value] : undefined,
      ),
  };
}

function write(request: SimulatedRequest, value: number): void {
  request.bean(SummedCounter).value = value;
  request.bean(PlainCounter).value = value;
}

/**
 * The failure of a request, as an exception filter leaves it that notes on it what it knows of the request. Another
 * request must not be answered with that.
 */
function marked(mark: number, failing: Promise<unknown>): Promise<unknown> {
  return failing.catch((error: object) => Object.assign(error, { mark }));
}

const refusal = { name: SessionStoreError.name, status: 503 };

describe.each(legs)('when the %s is lost', (leg) => {
  /** Of what the request was about to change. */
  const unchanged = { ...refusal, applied: leg === 'request' ? false : 'unknown' };

  it('of a load, no handler runs, and the session is unchanged', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    lose(leg, 'load');
    const handled: unknown[] = [];
    await expect(cluster.handle(0, client, () => handled.push('ran'))).rejects.toMatchObject({
      ...refusal,
      operation: 'load',
      applied: false,
    });
    expect(handled).toEqual([]);
    heal();
    expect(await read()).toEqual([1, 1]);
    expect(cluster.leaked).toBe(0);
  });

  it('of a load, all requests that wait for it fail, and a running request goes on', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    const running = await cluster.server(0).request(client.copy()).begin();
    lose(leg, 'load');
    const joined = await Promise.all(
      [1, 2, 3].map((n) =>
        marked(
          n,
          cluster.handle(0, client.copy(), () => undefined),
        ),
      ),
    );
    expect(joined).toEqual([1, 2, 3].map((mark) => expect.objectContaining({ ...refusal, operation: 'load', mark })));
    heal();
    write(running, 2);
    await running.respond();
    expect(await read()).toEqual([2, 2]);
    expect(cluster.leaked).toBe(0);
  });

  it('of a save, the request is refused, and the next request sees whether the state is old or new', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    lose(leg, 'save');
    const failing = cluster.handle(0, client, (request) => write(request, 2));
    await expect(failing).rejects.toMatchObject({ ...unchanged, operation: 'save' });
    heal();
    expect(await read()).toEqual(leg === 'request' ? [1, 1] : [2, 2]);
    expect(cluster.leaked).toBe(0);
  });

  it('of a save, the live session does not pass on a state that it cannot be sure of', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    const long = await cluster.server(0).request(client.copy()).begin();
    lose(leg, 'save');
    await expect(cluster.handle(0, client, (request) => write(request, 2))).rejects.toMatchObject(unchanged);
    heal();
    // A save of another bean succeeds. Its stamp must not vouch for the beans of the save with the unknown outcome.
    long.bean(SummedCounter).value += 10;
    await long.commit();
    expect(await read()).toEqual(leg === 'request' ? [11, 1] : [12, 2]);
    long.end();
    expect(cluster.leaked).toBe(0);
  });

  it('of a save, the changes that wait behind it are refused too, and none of them is stored', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    const requests = await Promise.all([1, 2, 3].map(() => cluster.server(0).request(client.copy()).begin()));
    lose(leg, 'save');
    for (const request of requests) request.bean(SummedCounter).value++;
    const results = await Promise.all(requests.map((request, n) => marked(n, request.respond())));
    expect(results).toEqual([0, 1, 2].map((mark) => expect.objectContaining({ ...refusal, operation: 'save', mark })));
    heal();
    const [summed] = (await read()) ?? [];
    expect(summed).toBe(leg === 'request' ? 1 : 4);
    expect(cluster.leaked).toBe(0);
  });

  it('of the creating save, there is no session and no cookie', async () => {
    const { cluster, lose, heal } = await setUp();
    const client = new SimulatedClient();
    lose(leg, 'save');
    await expect(cluster.handle(0, client, (request) => write(request, 5))).rejects.toMatchObject(unchanged);
    heal();
    expect(client.id).toBeUndefined();
    expect(cluster.leaked).toBe(0);
    await cluster.handle(0, client, (request) => write(request, 6));
    expect(await cluster.stored(client, PlainCounter)).toMatchObject({ value: 6 });
  });

  it('of a touch, the request fails and the session is unchanged', async () => {
    const { cluster, client, clock, lose, heal, read } = await setUp();
    lose(leg, 'touch');
    const long = await cluster.server(0).request(client.copy()).begin();
    clock.advance(120_000);
    await expect(long.respond()).rejects.toMatchObject({ ...unchanged, operation: 'touch' });
    heal();
    expect(await read()).toEqual([1, 1]);
    expect(cluster.leaked).toBe(0);
  });

  it('of a logout, the logout fails, and the next request sees whether the session has ended', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    const other = await cluster.server(0).request(client.copy()).begin();
    lose(leg, 'destroy');
    await expect(cluster.handle(0, client.copy(), (request) => request.invalidate())).rejects.toMatchObject({
      ...unchanged,
      operation: 'destroy',
    });
    heal();
    expect(await read()).toEqual(leg === 'request' ? [1, 1] : undefined);
    other.end();
    expect(cluster.leaked).toBe(0);
  });

  it('of a renewal, the new id is handed to nobody, and the client can log in at once', async () => {
    const { cluster, client, lose, heal } = await setUp(2);
    const renewing = await cluster.server(0).request(client).begin();
    write(renewing, 2);
    renewing.renewId();
    lose(leg, 'save');
    await expect(renewing.respond()).rejects.toMatchObject({ ...unchanged, operation: 'save' });
    heal();
    expect(renewing.handedOut).toBeUndefined();
    expect(cluster.memory.size).toBe(1);

    const standings = [0, 1].map((server) => cluster.handle(server, client.copy(), ({ session }) => session.standing));
    const standing = leg === 'request' ? 'found' : 'superseded';
    expect(await Promise.all(standings)).toEqual([standing, standing]);
    await cluster.handle(0, client, async (request) => {
      await request.http.login('alice');
      request.bean(PlainCounter).other = 5;
    });
    const stored = await cluster.stored(client, PlainCounter);
    // What an anonymous session holds goes on after the login; of what a former id once opened nothing does.
    expect(stored).toMatchObject({ value: leg === 'request' ? 1 : 0, other: 5 });
    expect(cluster.leaked).toBe(0);
  });

  it('of a load before a renewal, the request is refused, and the id is the same', async () => {
    const { cluster, client, lose, heal, read } = await setUp();
    const renewing = await cluster.server(0).request(client).begin();
    lose(leg, 'save');
    await expect(cluster.handle(0, client.copy(), (request) => write(request, 2))).rejects.toMatchObject(unchanged);
    // This server does not know any more what is stored, so it asks before it renews the id.
    lose(leg, 'load');
    renewing.renewId();
    await expect(renewing.respond()).rejects.toMatchObject({ ...refusal, operation: 'load' });
    heal();
    expect(renewing.handedOut).toBeUndefined();
    expect(await read()).toEqual(leg === 'request' ? [1, 1] : [2, 2]);
    expect(cluster.leaked).toBe(0);
  });
});

describe('while a logout is not yet answered', () => {
  it('a request with the same id waits for it, and is not told "no session" if it fails', async () => {
    let fail: (error: Error) => void = () => undefined;
    const held = new Promise<void>((_resolve, reject) => (fail = reject));
    let isHeld = false;
    const network = async (_leg: Leg, operation: StoreOperation): Promise<void> => {
      if (isHeld && operation === 'destroy') await held;
    };
    const cluster = new SimulatedCluster({ servers: 1, beans: [SummedCounter], network });
    const client = await cluster.server(0).startSession();
    isHeld = true;
    const ending = await cluster.server(0).request(client.copy()).begin();
    // This request is loading when the logout begins.
    const before = cluster.handle(0, client.copy(), ({ exists }) => exists);
    const logout = ending.invalidate();
    const after = cluster.handle(0, client.copy(), ({ exists }) => exists);
    await nextTurn();
    fail(new Error('connection reset'));
    const [logoutResult, beforeResult, afterResult] = await Promise.allSettled([logout, before, after]);
    expect(logoutResult).toMatchObject({ reason: refusal });
    expect(beforeResult).toMatchObject({ reason: refusal });
    expect(afterResult).toMatchObject({ value: true });
    isHeld = false;
    ending.end();
    expect(await cluster.handle(0, client, (request) => request.exists)).toBe(true);
    expect(cluster.leaked).toBe(0);
  });
});

it('each request that a logout refuses gets an error of its own, with the stack that tells where', async () => {
  const { cluster, client } = await setUp();
  cluster.store.network = () => nextTurn();
  const requests = await Promise.all([0, 1, 2].map(() => cluster.server(0).request(client.copy()).begin()));
  const last = await cluster.server(0).request(client.copy()).begin();
  for (const request of requests) request.bean(SummedCounter).value++;
  const responses = requests.map((request, n) => marked(n, request.respond()));
  await last.invalidate();
  last.end();
  const errors = await Promise.all(responses);
  expect(errors).toEqual([0, 1, 2].map((mark) => expect.objectContaining({ code: 'SESSION_ENDED', mark })));
  for (const error of errors) {
    expect(error).toBeInstanceOf(SessionEndedError);
    expect(types.isNativeError(error)).toBe(true);
    expect((error as Error).stack).toContain('live-session');
  }
});
