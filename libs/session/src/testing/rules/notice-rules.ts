import assert from 'node:assert/strict';
import type { MaybePromise } from '../../store/maybe-promise.js';
import type { SessionStore, SessionWatch } from '../../store/session-store.js';
import { Notices, overlappingAnswers } from '../notices.js';
import type { BegunSession, ContractRules, StoreUnderTest } from '../store-under-test.js';

type Use = (on: StoreUnderTest, server: SessionStore, session: BegunSession) => MaybePromise<unknown>;

const uses: Readonly<Record<string, Use>> = {
  'a save': (on, server, { access, stamp }) => server.save(on.update(access, { a: { base: stamp, payload: '2' } })),
  'a renewal': (on, server, { access }) => on.renew(access, {}, server),
  'a touch': (_on, server, { access }) => server.touch(access),
  'a load that touches': (_on, server, { access }) => server.load(access, { touchAfterMs: 0 }),
};

const changes: Readonly<Record<string, Use>> = {
  ...uses,
  'a login': (on, server, { access }) => on.renew(access, { principal: 'alice' }, server),
  'an end': (_on, server, { access }) => server.destroy(access),
  'an expiry': async (on, server, { access }) => {
    await on.pass(5);
    assert.equal((await server.load(access)).outcome, 'none');
  },
};

const ownUses: Readonly<Record<string, Use>> = {
  ...uses,
  'a save that is refused': (on, server, { access }) =>
    server.save(on.update(access, { a: { base: '1.old', payload: '2' } })),
  'a save that is sent again': async (on, server, { access, stamp }) => {
    const change = on.update(access, { a: { base: stamp, payload: '2' } });
    await server.save(change);
    await server.save(change);
  },
};

/** How many sessions a rule is tried with. */
const ROUNDS = 10;

/** A session that a server watches. */
interface WatchedSession extends BegunSession {
  readonly watch: SessionWatch;
}

/** Watched with its present id. The sessions may lie on several servers: waits for the watch of each. */
function beginWatched(on: StoreUnderTest, notices: Notices): Promise<WatchedSession[]> {
  return Promise.all(
    Array.from({ length: ROUNDS }, async () => {
      const session = await on.beginLasting();
      return { ...session, watch: await notices.watched(session.access) };
    }),
  );
}

/** Some notices too many are allowed. A near cache would be useless if each of these calls were told. */
async function assertRarelyTold(sessions: readonly WatchedSession[], notices: Notices, what: string): Promise<void> {
  const moment = performance.now();
  for (const { watch } of sessions) await notices.passes(watch, moment);
  const told = sessions.filter(({ access }) => notices.tellOf(access.key)).length;
  assert(told < ROUNDS, `${told} of ${ROUNDS} times ${what} was told`);
}

/** The sessions are still watched: a touch by another server is told. */
async function assertStillWatched(
  sessions: readonly WatchedSession[],
  notices: Notices,
  other: SessionStore,
  after: string,
): Promise<void> {
  notices.forget();
  for (const { access } of sessions) {
    assert.deepEqual(await other.touch({ key: access.key, logins: 0 }), { outcome: 'touched' });
  }
  await Promise.all(
    sessions.map(({ access, watch }) => notices.assertTold(access.key, watch, `a touch by another server ${after}`)),
  );
}

/** A rule for stores that tell one server of changes by another one. */
function rule(
  check: (on: StoreUnderTest, notices: Notices, other: SessionStore) => Promise<void>,
): (on: StoreUnderTest) => Promise<void> {
  return async (on) => {
    const [store, other] = await on.servers();
    const notices = Notices.of(store);
    if (notices && store !== other) await check(on, notices, other);
  };
}

export const noticeRules: ContractRules = {
  '[N1] every answer that tells of a session carries a watch, whose time passes': async (on) => {
    const notices = Notices.of(on.store);
    if (!notices) return;
    const { access, stamp } = await on.beginLasting();
    const watch = await notices.watched(access);
    notices.watchOf(await on.store.load(access, { known: stamp }));
    notices.watchOf(await on.store.save(on.update(access, { a: { base: '1.old', payload: '2' } })));
    notices.watchOf(await on.store.save(on.update(access, { a: { base: stamp, payload: '2' } })));
    const renewal = on.renewal(access, on.otherIdOf(access));
    notices.watchOf(await on.store.save(renewal));
    notices.watchOf(await on.store.save(renewal));
    await notices.watchOfFirst(() => on.store.save(on.creation(on.newAccess(), {})));
    assert(watch.toldUntil <= performance.now(), 'toldUntil is a moment of performance.now() that has been');
    assert.equal(await notices.passes(watch, performance.now()), true, 'toldUntil does not pass what happens');
  },

  ...rules(changes, (what, change) => [
    `[N2] ${what} by another server is told before the watch passes it`,
    rule(async (on, notices, other) => {
      await notices.watched((await on.beginLasting()).access);
      const session = await (what === 'an expiry' ? on.begin() : on.beginLasting());
      const watch = await notices.watched(session.access);
      notices.forget();
      await change(on, other, session);
      await notices.assertTold(session.access.key, watch, `${what} by another server`);
    }),
  ]),

  '[N2] what another server saves while this one loads or saves is told, or in the answer': rule(
    async (on, notices, other) => {
      await notices.watched((await on.beginLasting()).access);
      let watched = 0;
      for (let batch = 0; batch < 5; batch++) {
        const overlapping = Array.from({ length: ROUNDS }, () => overlappingAnswers(on, notices, other));
        const answers = (await Promise.all(overlapping)).flat();
        const moment = performance.now();
        for (const { key, answer, toldUntilThen, isNew } of answers) {
          // The sessions may lie on several servers, and not all of those are watched from the start.
          const { watch } = answer as { watch?: SessionWatch };
          if (watch) watched++;
          if (isNew || !watch || !(await notices.passes(watch, moment))) continue;
          assert(
            notices.countOf(key) > toldUntilThen,
            'a save by another server at the same time was not told, but passed',
          );
        }
      }
      assert(watched > 0, 'no answer carried a watch');
    },
  ),

  ...rules(ownUses, (what, use) => [
    `[N3] ${what} of this server is not told, and what another does afterwards is`,
    rule(async (on, notices, other) => {
      const sessions = await beginWatched(on, notices);
      notices.forget();
      for (const session of sessions) await use(on, notices.store, session);
      await assertRarelyTold(sessions, notices, `${what} of this server`);
      await assertStillWatched(sessions, notices, other, `after ${what}`);
    }),
  ]),

  '[I1] [I2] [N2] calls that do not get at the session are not told, and end no watch': rule(
    async (on, notices, other) => {
      const former = await Promise.all(Array.from({ length: ROUNDS }, () => on.beginLasting()));
      const sessions = await Promise.all(
        former.map(async ({ access }) => {
          const session = await on.renew(access);
          return { ...session, watch: await notices.watched(session.access) };
        }),
      );
      notices.forget();
      for (const [i, { access, stamp }] of sessions.entries()) {
        for (const server of [other, notices.store]) {
          for (const caller of [on.otherIdOf(access), (former[i] as BegunSession).access]) {
            await server.load(caller, { touchAfterMs: 0 });
            await server.save(on.update(caller, { a: { base: stamp, payload: '2' } }));
            await server.save(on.renewal(caller, on.otherIdOf(caller)));
            await server.touch(caller);
            await server.destroy(caller);
          }
        }
      }
      await assertRarelyTold(sessions, notices, 'a call that does not get at the session');
      await assertStillWatched(sessions, notices, other, 'after calls that did not get at the session');
    },
  ),
};

function rules(
  table: Readonly<Record<string, Use>>,
  each: (what: string, use: Use) => [string, ContractRules[string]],
): ContractRules {
  return Object.fromEntries(Object.entries(table).map(([what, use]) => each(what, use)));
}
