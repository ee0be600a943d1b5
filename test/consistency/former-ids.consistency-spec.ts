import { describe, expect, it } from '@jest/globals';
import { SessionEndedError, type SessionStore } from 'nestjs-session-beans';
import { accessOf } from 'nestjs-session-beans/store-kit';
import type { NearCacheSettings } from '../../libs/session/src/live/near-cache.js';
import { ManualClock } from '../../libs/session/src/testing/manual-clock.js';
import { PlainCounter, SummedCounter } from './counters.js';
import { plantedIdentityFaults } from './planted-faults.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { type SimulatedRequest, keepAll, keepTold } from './simulated-server.js';

/** Gives the session a new id. */
interface Renewal {
  readonly how: string;
  readonly renew: (request: SimulatedRequest) => void | Promise<void>;
}

const renewals: Renewal[] = [
  { how: 'a renewal', renew: (request) => request.http.renewId() },
  { how: 'a login', renew: (request) => request.http.login('alice') },
];

/** Something that a request does after its id was replaced. */
interface Attempt {
  readonly what: string;
  readonly run: (request: SimulatedRequest) => unknown;

  /** It changes nothing, and the request goes on reading what it has. Others are refused. */
  readonly isRead?: true;

  /** It changes nothing, and the request goes on without a session. */
  readonly goesOn?: true;

  /** It sees or changes the session in a store that lets former ids in, also if another server gave it the new id. */
  readonly isBrokenBy?: (store: SessionStore) => SessionStore;
}

const { opensWithFormerIds, savesUnderFormerIds } = plantedIdentityFaults;

const attempts: Attempt[] = [
  { what: 'reads a bean that it has not touched yet', run: () => undefined, isRead: true },
  {
    what: 'calls flush() without a change',
    run: (request) => request.http.flush(),
    isRead: true,
    isBrokenBy: opensWithFormerIds,
  },
  {
    what: 'calls flush() with a change',
    run(request) {
      request.bean(SummedCounter).value += 100;
      return request.http.flush();
    },
    isBrokenBy: savesUnderFormerIds,
  },
  { what: 'asks for the lock', run: (request) => request.lock(), goesOn: true, isBrokenBy: opensWithFormerIds },
  {
    what: 'runs work with the session for itself',
    run: (request) => request.http.runExclusive(() => void (request.bean(SummedCounter).value += 100)),
    isBrokenBy: opensWithFormerIds,
  },
  {
    what: 'stores a change after its client has left',
    run(request) {
      request.bean(SummedCounter).value += 100;
      request.detach();
      return request.commit();
    },
    isBrokenBy: opensWithFormerIds,
  },
  {
    what: 'asks for another new id',
    run(request) {
      request.renewId();
      return request.http.flush();
    },
    isBrokenBy: savesUnderFormerIds,
  },
  {
    what: 'sets timeouts',
    run(request) {
      request.http.setTimeouts({ idleTimeoutMs: 5_000 });
      return request.http.flush();
    },
    isBrokenBy: savesUnderFormerIds,
  },
];

interface Setup {
  readonly renewal: Renewal;
  readonly attempt: Attempt;

  /** Number of the server that gives the session its new id; the slow request runs on server 0. */
  readonly server: number;
  readonly nearCache?: NearCacheSettings | undefined;
  readonly plant?: (store: SessionStore) => SessionStore;
}

/** Lets a request that began under the former id of a session go on after the session got a new id. */
async function outlived({ renewal, attempt, server, nearCache, plant }: Setup) {
  const clock = new ManualClock();
  const cluster = new SimulatedCluster({ servers: 2, beans: [PlainCounter, SummedCounter], clock, nearCache, plant });
  const client = await cluster.server(0).startSession((request) => void (request.bean(PlainCounter).value = 1));
  // Both servers know the session, so that a near cache has a copy.
  await cluster.handle(1, client.copy(), (request) => void request.bean(PlainCounter).value);
  const slow = await cluster.server(0).request(client.copy()).begin();
  const { id: former } = client;
  await cluster.handle(server, client, async (request) => {
    await renewal.renew(request);
    request.bean(PlainCounter).value = 7;
  });
  await cluster.handle(server, client, (request) => void (request.bean(PlainCounter).other = 8));
  const before = cluster.memory.load(accessOf(client.id as string));
  // The slow request is use of its session for so long that a server tells the store.
  clock.advance(90_000);

  const error = await (async () => attempt.run(slow))().then(
    () => undefined,
    (reason: Error) => reason,
  );
  let seen: unknown;
  try {
    seen = { ...slow.bean(PlainCounter) };
  } catch {
    // The request has no session any more.
  }
  const { handedOut } = slow;
  slow.end();
  const after = cluster.memory.load(accessOf(client.id as string));
  const standing = await cluster.handle(0, client.copy(), ({ session }) => session.standing);
  return { cluster, client, former, error, seen, handedOut, isUnchanged: equal(before, after), standing };
}

/** What a request may see that began before the renewal: the session of then, or none. */
const BEFORE = [{ value: 1, other: 0 }, { value: 0, other: 0 }, undefined];

/** Whether two records are of one save. */
function equal(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other] as { readonly record?: { readonly stamp: string; readonly expiresAt: number } }[];
  return a?.record !== undefined && a.record.stamp === b?.record?.stamp && a.record.expiresAt === b.record.expiresAt;
}

const caches: [string, NearCacheSettings | undefined][] = [
  ['no near cache', undefined],
  ['a validating near cache', keepAll],
  ['a bounded near cache', keepTold],
];

describe.each(renewals)('a request that began before $how', (renewal) => {
  describe.each([
    ['on the same server', 0],
    ['on another server', 1],
  ])('%s', (_where, server) => {
    describe.each(caches)('with %s', (_cache, nearCache) => {
      it.each(attempts)('neither sees nor changes what came after when it $what', async (attempt) => {
        const result = await outlived({ renewal, attempt, server, nearCache });

        expect(attempt.isRead ? [{ value: 1, other: 0 }] : BEFORE).toContainEqual(result.seen);
        const refusal = attempt.isRead || attempt.goesOn ? undefined : SessionEndedError;
        expect(result.error?.constructor).toBe(refusal);
        expect(result).toMatchObject({ isUnchanged: true, handedOut: undefined, standing: 'found' });
      });

      it('leaves no instance behind for a request with the new id', async () => {
        const leaving: Attempt = { what: '', run: (request) => void (request.bean(PlainCounter).value = 1) };
        const { cluster, client } = await outlived({ renewal, attempt: leaving, server, nearCache });
        await cluster.handle(0, client, (request) =>
          expect(request.bean(PlainCounter)).toMatchObject({ value: 7, other: 8 }),
        );
      });

      it('is followed by none: a request that presents the former id has no session', async () => {
        const { cluster, client, former } = await outlived({
          renewal,
          attempt: attempts[0] as Attempt,
          server,
          nearCache,
        });
        const late = client.copy();
        late.id = former;
        for (const number of [0, 1]) {
          const request = await cluster.server(number).request(late).begin();
          expect(request.session.standing).toBe('superseded');
          expect(request.bean(PlainCounter).value).toBe(0);
          request.end();
        }
      });
    });
  });

  it.each(attempts.filter(({ isBrokenBy }) => isBrokenBy))(
    'would see or change it with a store that does not compare ids when it $what, so that the test can fail',
    async (attempt) => {
      const { seen, isUnchanged } = await outlived({ renewal, attempt, server: 1, plant: attempt.isBrokenBy });
      const hasSeen = JSON.stringify(seen) === JSON.stringify({ value: 7, other: 8 });
      expect(hasSeen || !isUnchanged).toBe(true);
    },
  );
});
