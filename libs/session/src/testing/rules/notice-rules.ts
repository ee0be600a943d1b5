import assert from 'node:assert/strict';
import type { SessionKey } from '../../store/session-key.js';
import type { SessionStore } from '../../store/session-store.js';
import type { ContractRules } from '../contract-rules.js';
import { Notices } from '../notices.js';
import type { StoreUnderTest } from '../store-under-test.js';

type Change = (on: StoreUnderTest, server: SessionStore, key: SessionKey, stamp: string) => Promise<unknown>;

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

/** With how many sessions a rule is tried. */
const ROUNDS = 10;

export const noticeRules: ContractRules = {
  '[N1] every answer that tells of a session carries a watch, whose time passes': async (on) => {
    const notices = Notices.of(on.store);
    if (!notices) return;
    const { key, stamp } = await on.begin();
    const watch = await notices.watched(key);
    notices.watchOf(await on.store.load(key, { known: stamp }));
    notices.watchOf(await on.store.save(on.update(key, { a: { base: '1.old', payload: '2' } })));
    notices.watchOf(await on.store.save(on.update(key, { a: { base: stamp, payload: '2' } })));
    notices.watchOf(await on.store.save(on.creation(on.newKey(), {})));
    assert(watch.toldUntil <= performance.now(), 'toldUntil is a moment of performance.now() that has been');
    assert.equal(await notices.passes(watch, performance.now()), true, 'toldUntil does not pass what happens');
  },

  ...rules(changes, (what, change) => [
    `[N2] ${what} by another server is told before the watch passes it`,
    async (on) => {
      const [store, other] = await on.servers();
      const notices = Notices.of(store);
      if (!notices || store === other) return;
      const { key, stamp } = await on.begin();
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
    await notices.watched((await on.begin()).key);
    const sessions = await Promise.all(Array.from({ length: ROUNDS }, () => on.begin({ a: '1', b: '1' })));
    const seen = await Promise.all(
      sessions.map(async ({ key, stamp }, i) => {
        const foreign = other.save(on.update(key, { b: { base: stamp, payload: '2' } }));
        const before = notices.countOf(key);
        const own =
          i % 2 === 0 ? await store.load(key) : await store.save(on.update(key, { a: { base: stamp, payload: '2' } }));
        const isTold = notices.countOf(key) > before;
        const newest = await foreign;
        assert(newest.outcome === 'saved' && (own.outcome === 'found' || own.outcome === 'saved'));
        const copy = own.outcome === 'found' ? own.record.stamp : own.stamp;
        return { key, isTold, isOld: Number.parseInt(copy, 10) < Number.parseInt(newest.stamp, 10), own };
      }),
    );
    const moment = performance.now();
    for (const { key, isTold, isOld, own } of seen) {
      if (!isOld || isTold || !('watch' in own) || !(await notices.passes(notices.watchOf(own), moment))) continue;
      assert(notices.tellOf(key), 'a save by another server at the same time was not told, but the watch passed it');
    }
  },

  ...rules(ownUses, (what, use) => [
    `[N3] ${what} of this server is not told, and what another does afterwards is`,
    async (on) => {
      const [store, other] = await on.servers();
      const notices = Notices.of(store);
      if (!notices || store === other) return;
      const sessions = await Promise.all(Array.from({ length: ROUNDS }, () => on.begin()));
      const watches = await Promise.all(sessions.map(({ key }) => notices.watched(key)));
      const [watch] = watches as [(typeof watches)[0]];
      notices.forget();
      for (const { key, stamp } of sessions) await use(on, store, key, stamp);
      await notices.passes(watch, performance.now());
      const told = sessions.filter(({ key }) => notices.tellOf(key)).length;
      // Too often is allowed; always is not what a near cache can live with.
      assert(told < ROUNDS, `${told} of ${ROUNDS} times ${what} of this server was told to itself`);
      notices.forget();
      for (const { key } of sessions) await other.touch(key);
      await Promise.all(
        sessions.map(({ key }) => notices.assertTold(key, watch, `a touch by another server after ${what}`)),
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
