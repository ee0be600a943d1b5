import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SaveResult } from '../../libs/session/src/store/session-store.js';
import { openAccess, recordOf, versionOf, withMethods, withRecords, withUpdates } from './broken-stores.js';
import type { PlantedBug } from './planted-bugs.js';

/** Mistakes in renewals and logins, each wrapped around a correct store. */
export const plantedRenewalBugs: Readonly<Record<string, PlantedBug>> = {
  'a renewal keeps all parts': {
    rule: 'I3',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const { renewal, access } = change;
        const record = await recordOf(store, access.key);
        if (!renewal?.keep || !record) return store.save(change);
        const { keep } = renewal;
        const parts = [...change.parts].map(([name, part]) => {
          return [name, keep.includes(name) ? part : { ...part, base: versionOf(record, name) }] as const;
        });
        return store.save({ ...change, parts: new Map(parts), renewal: { ...renewal, keep: undefined } });
      }),
  },

  'a renewal removes only the parts that its change knows': {
    rule: 'I3',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const record = await recordOf(store, change.access.key);
        if (!change.renewal?.keep || !record) return store.save(change);
        const keep = [...record.parts.keys()].filter((name) => !change.parts.has(name));
        return store.save({ ...change, renewal: { ...change.renewal, keep: [...change.renewal.keep, ...keep] } });
      }),
  },

  'a renewal stores its parts first, and then the id': {
    rule: 'I3',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const { renewal, parts, writeId } = change;
        if (!renewal || parts.size === 0) return store.save(change);
        const kept = [...parts].filter(([name]) => !renewal.keep || renewal.keep.includes(name));
        await store.save({ ...change, renewal: undefined, writeId: `${writeId}-`, parts: new Map(kept) });
        return store.save({
          ...change,
          parts: new Map([...parts].filter(([name]) => !kept.some(([of]) => of === name))),
        });
      }),
  },

  'a renewal stores the id first, and then its parts': {
    rule: 'I3',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const { renewal, access, parts, writeId } = change;
        if (!renewal || parts.size === 0) return store.save(change);
        const renewed = await store.save({ ...change, parts: new Map() });
        if (renewed.outcome !== 'saved') return renewed;
        const { key } = access;
        return store.save({ mode: 'update', access: { key, proof: renewal.proof }, writeId: `${writeId}-`, parts });
      }),
  },

  'a renewal compares the id and writes in two steps': {
    rule: 'I4',
    sequential: false,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const found = change.renewal ? await store.load(change.access) : undefined;
        if (found?.outcome !== 'found') return store.save(change);
        return store.save({ ...change, access: { key: change.access.key, logins: found.record.logins } });
      }),
  },

  'a renewal without parts is not counted': {
    rule: 'I9',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const before = await recordOf(store, change.access.key);
        const result = await store.save(change);
        const isCounted = !change.renewal || change.parts.size > 0 || result.outcome !== 'saved';
        return isCounted || !before ? result : { ...result, stamp: before.stamp };
      }),
  },

  'a renewal confirms the new id': {
    rule: 'I3',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const result = await store.save(change);
        if (change.renewal && result.outcome === 'saved') {
          const { key } = change.access;
          await store.load({ key, proof: change.renewal.proof }, { touchAfterMs: Number.MAX_SAFE_INTEGER });
        }
        return result;
      }),
  },

  'a load by the application joins': {
    rule: 'L5',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) => {
          const { outcome } = await store.load(access);
          return store.load(outcome === 'found' ? await openAccess(store, access) : access, options);
        },
      }),
  },

  'a creation with a principal is no login': {
    rule: 'S8',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        save: (change) => store.save(change.mode === 'create' ? { ...change, principal: undefined } : change),
      }),
  },

  'a login of the same principal does not count as one': {
    rule: 'I14',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const { renewal } = change;
        const record = renewal && (await recordOf(store, change.access.key));
        const isSame = record && record.principal === renewal.principal;
        return store.save(isSame ? { ...change, renewal: { ...renewal, principal: undefined } } : change);
      }),
  },

  'the session of another principal keeps its beginning': {
    rule: 'I14',
    sequential: true,
    plant: (store) => {
      const begun = new Map<string, number>();
      return withRecords(store, (record, key) => {
        const createdAt = begun.get(key) ?? record.createdAt;
        begun.set(key, createdAt);
        return { ...record, createdAt };
      });
    },
  },

  'the login is as old as the session': {
    rule: 'I14',
    sequential: true,
    plant: (store) =>
      withRecords(store, (record) => {
        return record.authenticatedAt === undefined ? record : { ...record, authenticatedAt: record.createdAt };
      }),
  },

  'a full store refuses renewals': {
    rule: 'I8',
    sequential: false,
    plant: (store) => {
      let isFull = false;
      const save = async (change: SessionChange): Promise<SaveResult> => {
        if (isFull && change.mode === 'update' && change.renewal) throw new Error('full');
        try {
          return await store.save(change);
        } catch (error) {
          isFull = true;
          throw error;
        }
      };
      return withMethods(store, { save });
    },
  },
};
