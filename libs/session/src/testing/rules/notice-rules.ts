import assert from 'node:assert/strict';
import type { MaybePromise } from '../../store/maybe-promise.js';
import type { SessionKey } from '../../store/session-id.js';
import type { SessionStore, SessionWatch } from '../../store/session-store.js';
import { Notices, overlappingAnswers } from '../notices.js';
import type { ContractRules, StoreUnderTest } from '../store-under-test.js';

type Change = (on: StoreUnderTest, server: SessionStore, key: SessionKey, stamp: string) => MaybePromise<unknown>;

const uses: Readonly<Record<string, Change>> = {
  'a save': (on, server, key, stamp) => server.save(on.update(key, { a: { base: stamp, payload: '2' } })),
  'a touch': (_on, server, key) => server.touch(key),
  'a load that touches': (_on, server, key) => server.load(key, { touchAfterMs: 0 }),
};

const changes: Readonly<Record<string, Change>> = {
  ...uses,
  'an end': (_on, server, key) => server.destroy(key),
  'an expiry': async (on, server, key) => {
    await on.pass(5);
    assert.equal((await server.load(key)).outcome, 'none');
  },
};

const ownUses: Readonly<Record<string, Change>> = {
  ...uses,
  'a save that is refused': (on, server, key) => server.save(on.update(key, { a: { base: '1.old', payload: '2' } })),
  'a save that is sent again': async (on, server, key, stamp) => {
    const change = on.update(key, { a: { base: stamp, payload: '2' } });
    await server.save(change);
    await server.save(change);
  },
};

/** How many sessions a rule is tried with. */
const ROUNDS = 10;

export const noticeRules: ContractRules = {
  '[N1] every answer that tells of a session carries a watch, whose time passes': async (on) => {
    const notices = Notices.of(on.store);
    if (!notices) return;
    const { key, stamp } = await on.beginLasting();
    const watch = await notices.watched(key);
    notices.watchOf(await on.store.load(key, { known: stamp }));
    notices.watchOf(await on.store.save(on.update(key, { a: { base: '1.old', payload: '2' } })));
    notices.watchOf(await on.store.save(on.update(key, { a: { base: stamp, payload: '2' } })));
    await notices.watchOfFirst(() => on.store.save(on.creation(on.newKey(), {})));
    assert(watch.toldUntil <= performance.now(), 'toldUntil is a moment of performance.now() that has been');
    assert.equal(await notices.passes(watch, performance.now()), true, 'toldUntil does not pass what happens');
  },

  ...rules(changes, (what, change) => [
    `[N2] ${what} by another server is told before the watch passes it`,
    async (on) => {
      const [store, other] = await on.servers();
      const notices = Notices.of(store);
      if (!notices || store === other) return;
      await notices.watched((await on.beginLasting()).key);
      const { key, stamp } = await (what === 'an expiry' ? on.begin() : on.beginLasting());
      const watch = await notices.watched(key);
      notices.forget();
      await change(on, other, key, stamp);
      await notices.assertTold(key, watch, `${what} by another server`);
    },
  ]),

  '[N2] what another server saves while this one loads or saves is told, or in the answer': async (on) => {
    const [store, other] = await on.servers();
    const notices = Notices.of(store);
    if (!notices || store === other) return;
    await notices.watched((await on.beginLasting()).key);
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

  ...rules(ownUses, (what, use) => [
    `[N3] ${what} of this server is not told, and what another does afterwards is`,
    async (on) => {
      const [store, other] = await on.servers();
      const notices = Notices.of(store);
      if (!notices || store === other) return;
      const sessions = await Promise.all(Array.from({ length: ROUNDS }, () => on.beginLasting()));
      // The sessions may lie on several servers: wait for the watch of each.
      const watched = await Promise.all(sessions.map(async ({ key }) => ({ key, watch: await notices.watched(key) })));
      notices.forget();
      for (const { key, stamp } of sessions) await use(on, store, key, stamp);
      const used = performance.now();
      for (const { watch } of watched) await notices.passes(watch, used);
      const told = sessions.filter(({ key }) => notices.tellOf(key)).length;
      // Some notices too many are allowed. A near cache would be useless if all of its own uses were told to it.
      assert(told < ROUNDS, `${told} of ${ROUNDS} times ${what} of this server was told to itself`);
      notices.forget();
      for (const { key } of sessions) await other.touch(key);
      await Promise.all(
        watched.map(({ key, watch }) => notices.assertTold(key, watch, `a touch by another server after ${what}`)),
      );
    },
  ]),
};

function rules(
  table: Readonly<Record<string, Change>>,
  rule: (what: string, change: Change) => [string, ContractRules[string]],
): ContractRules {
  return Object.fromEntries(Object.entries(table).map(([what, change]) => rule(what, change)));
}
