import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionStore } from 'nestjs-session-beans';
import { overwrite, withMethods } from '../contract/broken-stores.js';

/** Faults that a simpler store would have. Each test of a rule fails with one of them. */
export const plantedFaults = {
  /** The last write wins. */
  overwrites: (store: SessionStore) => withMethods(store, { save: (change) => overwrite(store, change) }),

  /** Each bean has its own key. They are written one after the other. */
  savesPartByPart: (store: SessionStore) =>
    withMethods(store, {
      async save(change) {
        if (change.mode === 'create' || change.parts.size < 2) return store.save(change);
        for (const [i, part] of [...change.parts].entries()) {
          const writeId = i === 0 ? change.writeId : `${change.writeId}_${i}`;
          const result = await store.save({ ...change, writeId, parts: new Map([part]) });
          if (result.outcome !== 'saved' || i === change.parts.size - 1) return result;
          for (let turns = 0; turns < 8; turns++) await nextTurn();
        }
        throw new Error('unreachable');
      },
    }),

  /** A write to a missing session creates it. */
  writesBack: (store: SessionStore) => {
    const renamed = new Map<string, string>();
    const current = (key: string): string => renamed.get(key) ?? key;
    const lifetime = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 1_800_000 };
    return withMethods(store, {
      load: (key, options) => store.load(current(key), options),
      touch: (key) => store.touch(current(key)),
      destroy: (key, ifStamp) => store.destroy(current(key), ifStamp),
      async save(change) {
        const result = await store.save({ ...change, key: current(change.key) });
        if (result.outcome !== 'gone') return result;
        // The store refuses an ended key. A new key makes it look as if it did not.
        renamed.set(change.key, `${change.key}_${renamed.size}`);
        const parts = new Map([...change.parts].map(([name, part]) => [name, { ...part, base: null }]));
        return store.save({ ...change, key: current(change.key), mode: 'create', lifetime, parts });
      },
    });
  },

  /** `destroy` with a stamp returns true even if there was nothing to destroy. */
  destroysWhatIsGone: (store: SessionStore) =>
    withMethods(store, {
      async destroy(key, ifStamp) {
        const destroyed = await store.destroy(key, ifStamp);
        return destroyed || (await store.load(key)).outcome === 'none';
      },
    }),

  /**
   * Answers `unchanged` for any copy that is not older than a save of its own server, as a store with plain numbers as
   * versions would.
   */
  saysUnchanged: (store: SessionStore) =>
    withMethods(store, {
      async load(key, options) {
        const result = await store.load(key, options);
        if (result.outcome !== 'found' || options?.known === undefined) return result;
        return { outcome: 'unchanged', times: result.record };
      },
    }),
};
