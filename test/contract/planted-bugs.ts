import type { PartChange, SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord, StoredPart } from '../../libs/session/src/store/session-record.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import {
  keyOf,
  overwrite,
  recordOf,
  versionOf,
  withIntegerVersions,
  withMethods,
  withReusableKeys,
  withSecondSave,
} from './broken-stores.js';

export interface PlantedBug {
  /** The rule that the suite must name. */
  readonly rule: string;

  /** False for bugs that need overlapping calls, or that no call shows. The model runs one call after the other. */
  readonly sequential: boolean;

  readonly plant: (store: SessionStore) => SessionStore;
}

const LIFETIME = { idleTimeoutMs: 10_000, absoluteTimeoutMs: 60_000, unjoinedTimeoutMs: 4_000 };

/** Typical mistakes of stores, each wrapped around a correct store. */
export const plantedBugs: Readonly<Record<string, PlantedBug>> = {
  'a save overwrites the saves of others': {
    rule: 'S3',
    sequential: true,
    plant: (store) => withMethods(store, { save: (change) => overwrite(store, change) }),
  },

  'a save checks and writes in two steps': {
    rule: 'S3',
    sequential: false,
    plant: (store) => {
      const save = async (change: SessionChange): Promise<SaveResult> => {
        const current = await recordOf(store, keyOf(change));
        const conflict = current && change.mode === 'update' && !isBasedOn(change, current);
        return conflict ? store.save(change) : overwrite(store, change);
      };
      return withMethods(store, { save });
    },
  },

  'a save applies only the parts without a conflict': {
    rule: 'S1',
    sequential: true,
    plant: (store) => {
      const save = async (change: SessionChange): Promise<SaveResult> => {
        const result = await store.save(change);
        if (result.outcome !== 'conflict' || change.mode === 'create') return result;
        const fitting = [...change.parts].filter(([name, { base }]) => versionOf(result.record, name) === base);
        if (fitting.length > 0) await store.save({ ...change, parts: new Map(fitting) });
        return result;
      };
      return withMethods(store, { save });
    },
  },

  'a save writes its parts one after the other': {
    rule: 'S1',
    sequential: true,
    plant: (store) => {
      const save = async (change: SessionChange): Promise<SaveResult> => {
        if (change.mode === 'create' || change.parts.size < 2) return store.save(change);
        let result: SaveResult = { outcome: 'gone' };
        for (const [name, part] of change.parts) {
          result = await store.save({ ...change, writeId: `${change.writeId}${name}`, parts: new Map([[name, part]]) });
        }
        return result;
      };
      return withMethods(store, { save });
    },
  },

  'an update creates a session': {
    rule: 'S2',
    sequential: true,
    plant: (store) =>
      withReusableKeys(store, (inner, reuse) => ({
        save: async (change) => {
          const result = await inner.save(change);
          if (result.outcome !== 'gone' || change.mode === 'create') return result;
          const { access, writeId, parts, lifetime = LIFETIME } = change;
          reuse(access.key);
          const proof = access.proof ?? 'none';
          return inner.save({ mode: 'create', key: access.key, proof, writeId, parts, lifetime });
        },
      })),
  },

  'a touch creates a session': {
    rule: 'T2',
    sequential: true,
    plant: (store) =>
      withReusableKeys(store, (inner, reuse) => ({
        touch: async ({ key, proof = 'none', logins }) => {
          const result = await inner.touch(logins === undefined ? { key, proof } : { key, logins });
          if (result.outcome !== 'none') return result;
          reuse(key);
          const creation = { mode: 'create', key, proof, writeId: 'touch', lifetime: LIFETIME } as const;
          await inner.save({ ...creation, parts: new Map() });
          return { outcome: 'touched' };
        },
      })),
  },

  'destroy does nothing': {
    rule: 'D1',
    sequential: true,
    plant: (store) => withMethods(store, { destroy: () => ({ outcome: 'ended' }) }),
  },

  'destroy always tells that it has ended a session': {
    rule: 'D1',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        destroy: async (access) => {
          const result = await store.destroy(access);
          return result.outcome === 'none' ? { outcome: 'ended' } : result;
        },
      }),
  },

  'a destroyed key can be created again': {
    rule: 'D2',
    sequential: true,
    plant: (store) =>
      withReusableKeys(store, (inner, reuse) => ({
        destroy: async (access) => {
          const result = await inner.destroy(access);
          if (result.outcome === 'ended') reuse(access.key);
          return result;
        },
      })),
  },

  'versions are integers': {
    rule: 'S7',
    sequential: true,
    plant: withIntegerVersions,
  },

  'a repeated change is a conflict': {
    rule: 'S5',
    sequential: true,
    plant: (store) =>
      withSecondSave(store, async (change) => {
        const record = await recordOf(store, keyOf(change));
        return record ? { outcome: 'conflict', record } : { outcome: 'gone' };
      }),
  },

  'a repeated change is applied twice': {
    rule: 'S5',
    sequential: true,
    plant: (store) =>
      withSecondSave(store, async (change) => {
        const { key, writeId, parts } = { key: keyOf(change), ...change };
        const { logins = 0 } = (await recordOf(store, key)) ?? {};
        return overwrite(store, { mode: 'update', access: { key, logins }, writeId: `${writeId}-`, parts });
      }),
  },

  'an expired session is still found': {
    rule: 'L2',
    sequential: true,
    plant: (store) => {
      const last = new Map<string, SessionRecord>();
      return withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          if (result.outcome === 'found') last.set(access.key, result.record);
          const record = last.get(access.key);
          const isIts = record?.proof === access.proof;
          return result.outcome === 'none' && record && isIts ? { outcome: 'found', record } : result;
        },
        destroy: (access) => {
          last.delete(access.key);
          return store.destroy(access);
        },
      });
    },
  },

  'a load returns the own map of the store': {
    rule: 'L3',
    sequential: false,
    plant: (store) => {
      const maps = new Map<string, Map<string, StoredPart>>();
      return withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          if (result.outcome !== 'found') return result;
          const parts = maps.get(access.key) ?? new Map<string, StoredPart>();
          parts.clear();
          for (const [name, part] of result.record.parts) parts.set(name, part);
          maps.set(access.key, parts);
          return { outcome: 'found', record: { ...result.record, parts } };
        },
      });
    },
  },

  'known is compared by its number': {
    rule: 'L4',
    sequential: false,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options = {}) => {
          const result = await store.load(access, options);
          if (result.outcome !== 'found' || options.known === undefined) return result;
          const same = Number.parseInt(result.record.stamp, 10) === Number.parseInt(options.known, 10);
          return same ? { outcome: 'unchanged', times: result.record } : result;
        },
      }),
  },

  'every load prolongs the session': {
    rule: 'L5',
    sequential: true,
    plant: (store) =>
      withMethods(store, { load: (access, options) => store.load(access, { ...options, touchAfterMs: 0 }) }),
  },

  'a save removes the parts that it does not name': {
    rule: 'S4',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        save: async (change) => {
          const current = await recordOf(store, keyOf(change));
          if (!current || change.mode === 'create') return store.save(change);
          const all = [...current.parts].map(
            ([name, { version }]) => [name, { base: version, payload: null }] as const,
          );
          return store.save({ ...change, parts: new Map<string, PartChange>([...all, ...change.parts]) });
        },
      }),
  },

  'a save marks the session as joined': {
    rule: 'S6',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        save: async (change) => {
          if (change.mode === 'update') await store.load(change.access, { touchAfterMs: Number.MAX_SAFE_INTEGER });
          return store.save(change);
        },
      }),
  },

  'a touch saves a new version': {
    rule: 'T1',
    sequential: true,
    plant: (store) => {
      let touches = 0;
      return withMethods(store, {
        touch: async (access) => {
          const { outcome } = await store.touch(access);
          await store.save({ mode: 'update', access, writeId: `t${touches++}`, parts: new Map() });
          return { outcome };
        },
      });
    },
  },

  'a store that is not shared declares to be': {
    rule: 'shared',
    sequential: false,
    plant: (store) => withMethods(store, { shared: true }),
  },
};

function isBasedOn(change: SessionChange, record: SessionRecord): boolean {
  return [...change.parts].every(([name, { base }]) => versionOf(record, name) === base);
}
