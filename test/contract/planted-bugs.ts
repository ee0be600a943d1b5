import type { PartChange, SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord, StoredPart } from '../../libs/session/src/store/session-record.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import {
  overwrite,
  versionOf,
  withIntegerVersions,
  withMethods,
  withReusableKeys,
  withSecondSave,
} from './broken-stores.js';

interface PlantedBug {
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
        const current = await store.load(change.key);
        const conflict =
          current.outcome === 'found' && change.mode === 'update' && !isBasedOn(change, current.record)
            ? current.record
            : undefined;
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
      withReusableKeys(store, (inner, renew) => ({
        save: async (change) => {
          const result = await inner.save(change);
          if (result.outcome !== 'gone' || change.mode === 'create') return result;
          renew(change.key);
          return inner.save({ ...change, mode: 'create', lifetime: change.lifetime ?? LIFETIME });
        },
      })),
  },

  'a touch creates a session': {
    rule: 'T2',
    sequential: true,
    plant: (store) =>
      withReusableKeys(store, (inner, renew) => ({
        touch: async (key) => {
          if (await inner.touch(key)) return true;
          renew(key);
          await inner.save({ key, writeId: 'touch', mode: 'create', lifetime: LIFETIME, parts: new Map() });
          return true;
        },
      })),
  },

  'destroy does nothing': {
    rule: 'D1',
    sequential: true,
    plant: (store) => withMethods(store, { destroy: async () => true }),
  },

  'a destroyed key can be created again': {
    rule: 'D2',
    sequential: true,
    plant: (store) =>
      withReusableKeys(store, (inner, renew) => ({
        destroy: async (key, ifStamp) => {
          const destroyed = await inner.destroy(key, ifStamp);
          if (destroyed) renew(key);
          return destroyed;
        },
      })),
  },

  'destroy ignores ifStamp': {
    rule: 'D3',
    sequential: true,
    plant: (store) => withMethods(store, { destroy: (key) => store.destroy(key) }),
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
        const current = await store.load(change.key);
        return current.outcome === 'found' ? { outcome: 'conflict', record: current.record } : { outcome: 'gone' };
      }),
  },

  'a repeated change is applied twice': {
    rule: 'S5',
    sequential: true,
    plant: (store) =>
      withSecondSave(store, (change) => overwrite(store, { ...change, writeId: `${change.writeId}-`, mode: 'update' })),
  },

  'an expired session is still found': {
    rule: 'L2',
    sequential: true,
    plant: (store) => {
      const last = new Map<string, SessionRecord>();
      return withMethods(store, {
        load: async (key, options) => {
          const result = await store.load(key, options);
          if (result.outcome === 'found') last.set(key, result.record);
          const record = last.get(key);
          return result.outcome === 'none' && record ? { outcome: 'found', record } : result;
        },
        destroy: (key, ifStamp) => {
          last.delete(key);
          return store.destroy(key, ifStamp);
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
        load: async (key, options) => {
          const result = await store.load(key, options);
          if (result.outcome !== 'found') return result;
          const parts = maps.get(key) ?? new Map<string, StoredPart>();
          parts.clear();
          for (const [name, part] of result.record.parts) parts.set(name, part);
          maps.set(key, parts);
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
        load: async (key, options = {}) => {
          const result = await store.load(key, options);
          if (result.outcome !== 'found' || options.known === undefined) return result;
          const same = Number.parseInt(result.record.stamp, 10) === Number.parseInt(options.known, 10);
          return same ? { outcome: 'unchanged', times: result.record } : result;
        },
      }),
  },

  'every load prolongs the session': {
    rule: 'L5',
    sequential: true,
    plant: (store) => withMethods(store, { load: (key, options) => store.load(key, { ...options, touchAfterMs: 0 }) }),
  },

  'a save removes the parts that it does not name': {
    rule: 'S4',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        save: async (change) => {
          const current = await store.load(change.key);
          if (current.outcome !== 'found' || change.mode === 'create') return store.save(change);
          const all = [...current.record.parts].map(
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
          if (change.mode === 'update') await store.load(change.key, { touchAfterMs: Number.MAX_SAFE_INTEGER });
          return store.save(change);
        },
      }),
  },

  'a touch saves a new version': {
    rule: 'T1',
    sequential: true,
    plant: (store) => {
      let touches = 0;
      const touch = async (key: string): Promise<boolean> => {
        const result = await store.save({ key, writeId: `t${touches++}`, mode: 'update', parts: new Map() });
        return result.outcome === 'saved';
      };
      return withMethods(store, { touch });
    },
  },

  'a store that is not shared declares to be': {
    rule: 'shared',
    sequential: false,
    plant: (store) => ({ ...withMethods(store, {}), capabilities: { shared: true } }),
  },
};

function isBasedOn(change: SessionChange, record: SessionRecord): boolean {
  return [...change.parts].every(([name, { base }]) => versionOf(record, name) === base);
}
