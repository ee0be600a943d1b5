import assert from 'node:assert/strict';
import type { ClientAccess } from '../../store/session-id.js';
import type { ContractRules } from '../store-under-test.js';

export const concurrencyRules: ContractRules = {
  '[S3] of 50 updates from one version one is saved, the others are told what is stored': async (on) => {
    const { access, stamp } = await on.beginLasting({ a: '0' });
    const servers = await on.servers();
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        servers[(i % 2) as 0 | 1].save(on.update(access, { a: { base: stamp, payload: `${i}` } })),
      ),
    );
    const record = await on.found(access);
    assert.equal(results.filter(({ outcome }) => outcome === 'saved').length, 1);
    for (const result of results) {
      if (result.outcome === 'saved') continue;
      assert(result.outcome === 'conflict', `expected a conflict, the answer was ${result.outcome}`);
      assert.deepEqual(result.record, record);
    }
    assert.equal(record.stamp.split('.')[0], '2');
  },

  '[S3] updates that start again after a conflict are all counted': async (on) => {
    const { access } = await on.beginLasting({ counter: '0' });
    const servers = await on.servers();
    const countUp = async (server: 0 | 1): Promise<void> => {
      for (let seen = (await on.found(access)).parts.get('counter'); ;) {
        const change = { base: seen?.version ?? null, payload: `${Number(seen?.payload) + 1}` };
        const result = await servers[server].save(on.update(access, { counter: change }));
        if (result.outcome === 'saved') return;
        assert(result.outcome === 'conflict');
        seen = result.record.parts.get('counter');
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => countUp((i % 2) as 0 | 1)));
    assert.equal((await on.found(access)).parts.get('counter')?.payload, '20');
  },

  '[S3] of 20 creations of one key one is saved': async (on) => {
    const access = on.newAccess();
    const servers = await on.servers();
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => servers[(i % 2) as 0 | 1].save(on.creation(access, { a: `${i}` }))),
    );
    const outcomes = results.map(({ outcome }) => outcome).toSorted();
    assert.deepEqual(outcomes, [...Array<string>(19).fill('conflict'), 'saved']);
  },

  '[S4] updates of different parts by different servers are all saved': async (on) => {
    const names = Array.from({ length: 20 }, (_, i) => `part${i}`);
    const { access, stamp } = await on.beginLasting(Object.fromEntries(names.map((name) => [name, '0'])));
    const servers = await on.servers();
    const save = (name: string, i: number) =>
      on.saved(on.update(access, { [name]: { base: stamp, payload: '1' } }), servers[(i % 2) as 0 | 1]);
    const stamps = (await Promise.all(names.map(save))).map((result) => result.stamp);
    const record = await on.found(access);
    for (const part of record.parts.values()) assert.equal(part.payload, '1');
    const numbers = stamps.map((of) => Number.parseInt(of, 10)).toSorted((x, y) => x - y);
    assert.deepEqual(
      numbers,
      names.map((_, i) => i + 2),
    );
  },

  '[S1] a load during saves sees all parts of a save or none': async (on) => {
    const { access, stamp } = await on.beginLasting({ a: '0', b: '0' });
    const [writer, reader] = await on.servers();
    const write = async (): Promise<void> => {
      for (let i = 1, base = stamp; i <= 30; i++) {
        const both = { a: { base, payload: `${i}` }, b: { base, payload: `${i}` } };
        base = (await on.saved(on.update(access, both), writer)).stamp;
      }
    };
    const read = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        const result = await reader.load(access);
        assert(result.outcome === 'found');
        const { a, b } = Object.fromEntries(result.record.parts);
        assert.deepEqual([a?.payload, a?.version], [b?.payload, b?.version]);
        assert.equal(a?.version, result.record.stamp);
      }
    };
    await Promise.all([write(), read(), read()]);
  },

  '[S5] a change sent 20 times at once is applied once': async (on) => {
    const { access, stamp } = await on.beginLasting({ a: '0' });
    const servers = await on.servers();
    const change = on.update(access, { a: { base: stamp, payload: '1' } });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => on.saved(change, servers[(i % 2) as 0 | 1])),
    );
    for (const result of results) assert.equal(result.stamp, `2.${change.writeId}`);
    assert.equal((await on.found(access)).stamp, `2.${change.writeId}`);
  },

  '[D2] a session that is destroyed while it is used stays destroyed': async (on) => {
    const [busy, ending] = await on.servers();
    for (let round = 0; round < 10; round++) {
      const { access, stamp } = await on.beginLasting({ a: '0' });
      const use = async (): Promise<void> => {
        await busy.load(access, { touchAfterMs: 0 });
        await busy.save(on.update(access, {}));
        await busy.touch(access);
      };
      const write = busy.save(on.update(access, { a: { base: stamp, payload: '1' } }));
      await Promise.all([use(), use(), ending.destroy(access), write, use(), busy.touch(access)]);
      await on.assertNone(access);
    }
  },

  '[I4] of 20 renewals with one id one is saved, the others are superseded': async (on) => {
    const begun = await on.beginLasting({ a: '1' });
    const servers = await on.servers();
    const ids = Array.from({ length: 20 }, () => on.otherIdOf(begun.access));
    const results = await Promise.all(
      ids.map(async (to, i) => {
        const principal = i % 4 < 2 ? 'alice' : undefined;
        return servers[(i % 2) as 0 | 1].save(on.renewal(begun.access, to, { principal }));
      }),
    );
    const outcomes = results.map(({ outcome }) => outcome);
    assert.deepEqual(outcomes.toSorted(), ['saved', ...Array<string>(19).fill('superseded')]);
    const winner = outcomes.indexOf('saved');
    for (const [i, access] of ids.entries()) if (i !== winner) await on.assertNone(access);
    const record = await on.found(ids[winner] as ClientAccess);
    assert.deepEqual([record.generation, record.logins], [1, winner % 4 < 2 ? 1 : 0]);
    assert.equal(Number.parseInt(record.stamp, 10), 2);
  },

  '[I4] [S4] a renewal and saves with the former id: each save is in the session, or superseded': async (on) => {
    const [one, two] = await on.servers();
    for (let round = 0; round < 10; round++) {
      const { access, stamp } = await on.beginLasting({ a: '0', b: '0', c: '0', d: '0' });
      const to = on.otherIdOf(access);
      const save = async (name: string): Promise<[string, string]> => {
        const { outcome } = await one.save(on.update(access, { [name]: { base: stamp, payload: '1' } }));
        return [name, outcome];
      };
      const before = [save('a'), save('b')];
      const renewing = two.save(on.renewal(access, to));
      const saves = await Promise.all([...before, save('c'), save('d')]);
      assert.equal((await renewing).outcome, 'saved');
      const { parts } = await on.found(to);
      for (const [name, outcome] of saves) {
        assert.equal(outcome, parts.get(name)?.payload === '1' ? 'saved' : 'superseded', `part ${name}`);
      }
    }
  },

  '[I4] a renewal and an end with the former id: one of them happens': async (on) => {
    const [one, two] = await on.servers();
    for (let round = 0; round < 10; round++) {
      const { access } = await on.beginLasting({ a: '0' });
      const to = on.otherIdOf(access);
      const first = round % 2 === 0 ? two.destroy(access) : undefined;
      const renewing = one.save(on.renewal(access, to));
      const [renewed, ended] = await Promise.all([renewing, first ?? two.destroy(access)]);
      const isEnded = ended.outcome === 'ended';
      assert.deepEqual([renewed.outcome, ended.outcome], isEnded ? ['gone', 'ended'] : ['saved', 'superseded']);
      assert.equal((await on.store.load(to)).outcome, isEnded ? 'none' : 'found');
    }
  },
};
