import assert from 'node:assert/strict';
import type { ContractRules } from '../store-under-test.js';

export const concurrencyRules: ContractRules = {
  '[S3] of 50 updates from one version one is saved, the others are told what is stored': async (on) => {
    const { key, stamp } = await on.begin({ a: '0' });
    const servers = await on.servers();
    const results = await Promise.all(
      Array.from({ length: 50 }, async (_, i) =>
        servers[(i % 2) as 0 | 1].save(on.update(key, { a: { base: stamp, payload: `${i}` } })),
      ),
    );
    const record = await on.found(key);
    assert.equal(results.filter(({ outcome }) => outcome === 'saved').length, 1);
    for (const result of results) {
      if (result.outcome === 'saved') continue;
      assert(result.outcome === 'conflict', `expected a conflict, the answer was ${result.outcome}`);
      assert.deepEqual(result.record, record);
    }
    assert.equal(record.stamp.split('.')[0], '2');
  },

  '[S3] updates that start again after a conflict are all counted': async (on) => {
    const { key } = await on.begin({ counter: '0' });
    const servers = await on.servers();
    const countUp = async (server: 0 | 1): Promise<void> => {
      for (let seen = (await on.found(key)).parts.get('counter'); ;) {
        const change = { base: seen?.version ?? null, payload: `${Number(seen?.payload) + 1}` };
        const result = await servers[server].save(on.update(key, { counter: change }));
        if (result.outcome === 'saved') return;
        assert(result.outcome === 'conflict');
        seen = result.record.parts.get('counter');
      }
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => countUp((i % 2) as 0 | 1)));
    assert.equal((await on.found(key)).parts.get('counter')?.payload, '20');
  },

  '[S3] of 20 creations of one key one is saved': async (on) => {
    const key = on.newKey();
    const servers = await on.servers();
    const results = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => servers[(i % 2) as 0 | 1].save(on.creation(key, { a: `${i}` }))),
    );
    const outcomes = results.map(({ outcome }) => outcome).toSorted();
    assert.deepEqual(outcomes, [...Array<string>(19).fill('conflict'), 'saved']);
  },

  '[S4] updates of different parts by different servers are all saved': async (on) => {
    const names = Array.from({ length: 20 }, (_, i) => `part${i}`);
    const { key, stamp } = await on.begin(Object.fromEntries(names.map((name) => [name, '0'])));
    const servers = await on.servers();
    const save = (name: string, i: number) =>
      on.saved(on.update(key, { [name]: { base: stamp, payload: '1' } }), servers[(i % 2) as 0 | 1]);
    const stamps = (await Promise.all(names.map(save))).map((result) => result.stamp);
    const record = await on.found(key);
    for (const part of record.parts.values()) assert.equal(part.payload, '1');
    const numbers = stamps.map((of) => Number.parseInt(of, 10)).toSorted((x, y) => x - y);
    assert.deepEqual(
      numbers,
      names.map((_, i) => i + 2),
    );
  },

  '[S1] a load during saves sees all parts of a save or none': async (on) => {
    const { key, stamp } = await on.begin({ a: '0', b: '0' });
    const [writer, reader] = await on.servers();
    const write = async (): Promise<void> => {
      for (let i = 1, base = stamp; i <= 30; i++) {
        const both = { a: { base, payload: `${i}` }, b: { base, payload: `${i}` } };
        base = (await on.saved(on.update(key, both), writer)).stamp;
      }
    };
    const read = async (): Promise<void> => {
      for (let i = 0; i < 60; i++) {
        const result = await reader.load(key);
        assert(result.outcome === 'found');
        const { a, b } = Object.fromEntries(result.record.parts);
        assert.deepEqual([a?.payload, a?.version], [b?.payload, b?.version]);
        assert.equal(a?.version, result.record.stamp);
      }
    };
    await Promise.all([write(), read(), read()]);
  },

  '[S5] a change sent 20 times at once is applied once': async (on) => {
    const { key, stamp } = await on.begin({ a: '0' });
    const servers = await on.servers();
    const change = on.update(key, { a: { base: stamp, payload: '1' } });
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, i) => on.saved(change, servers[(i % 2) as 0 | 1])),
    );
    for (const result of results) assert.equal(result.stamp, `2.${change.writeId}`);
    assert.equal((await on.found(key)).stamp, `2.${change.writeId}`);
  },

  '[D2] a session that is destroyed while it is used stays destroyed': async (on) => {
    const [busy, ending] = await on.servers();
    for (let round = 0; round < 10; round++) {
      const { key, stamp } = await on.begin({ a: '0' });
      const use = async (): Promise<void> => {
        await busy.load(key, { touchAfterMs: 0 });
        await busy.save(on.update(key, {}));
        await busy.touch(key);
      };
      const write = busy.save(on.update(key, { a: { base: stamp, payload: '1' } }));
      await Promise.all([use(), use(), ending.destroy(key), write, use(), busy.touch(key)]);
      await on.assertNone(key);
    }
  },

  '[D3] a save and a destroy of what was there before: one of them happens': async (on) => {
    const [one, two] = await on.servers();
    for (let round = 0; round < 10; round++) {
      const { key, stamp } = await on.begin({ a: '0' });
      const first = round % 2 === 0 ? two.destroy(key, stamp) : undefined;
      const save = one.save(on.update(key, { a: { base: stamp, payload: '1' } }));
      const [saved, destroyed] = await Promise.all([save, first ?? two.destroy(key, stamp)]);
      assert.deepEqual([saved.outcome, destroyed], destroyed ? ['gone', true] : ['saved', false]);
      assert.equal((await on.store.load(key)).outcome, destroyed ? 'none' : 'found');
    }
  },
};
