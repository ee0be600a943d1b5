import type { SessionAccess } from '../../libs/session/src/store/session-id.js';
import { openAccess, recordOf, versionOf, withAccess, withMethods, withUpdates } from './broken-stores.js';
import type { PlantedBug } from './planted-bugs.js';

/** Mistakes in how a store compares ids, each wrapped around a correct store. */
export const plantedIdentityBugs: Readonly<Record<string, PlantedBug>> = {
  'a load with a former id opens the session': {
    rule: 'I2',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          return result.outcome === 'superseded' ? store.load(await openAccess(store, access), options) : result;
        },
      }),
  },

  'a save with a former id is applied': {
    rule: 'I5',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const result = await store.save(change);
        if (result.outcome !== 'superseded') return result;
        return store.save({ ...change, access: await openAccess(store, change.access) });
      }),
  },

  'a touch does not compare the id': {
    rule: 'I1',
    sequential: true,
    plant: (store) => withMethods(store, { touch: async (access) => store.touch(await openAccess(store, access)) }),
  },

  'an end does not compare the id': {
    rule: 'I1',
    sequential: true,
    plant: (store) => withMethods(store, { destroy: async (access) => store.destroy(await openAccess(store, access)) }),
  },

  'a load with a wrong id moves the end of life': {
    rule: 'I1',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          if (result.outcome === 'none' && options?.touchAfterMs !== undefined) {
            await store.touch(await openAccess(store, access));
          }
          return result;
        },
      }),
  },

  'a load with a former id joins': {
    rule: 'I5',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          if (result.outcome === 'superseded' && options) await store.load(await openAccess(store, access), options);
          return result;
        },
      }),
  },

  'a conflict is found before the access is compared': {
    rule: 'I1',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const result = await store.save(change);
        const record = result.outcome === 'gone' ? await recordOf(store, change.access.key) : undefined;
        const isStale = record && [...change.parts].some(([name, { base }]) => versionOf(record, name) !== base);
        return isStale ? { outcome: 'conflict', record } : result;
      }),
  },

  'proofs are compared by how they begin': {
    rule: 'I1',
    sequential: false,
    plant: (store) => {
      const whole = async (access: SessionAccess): Promise<SessionAccess> => {
        const record = access.proof ? await recordOf(store, access.key) : undefined;
        const fits = record?.proof.startsWith(access.proof ?? '');
        return record && fits ? { key: access.key, proof: record.proof } : access;
      };
      return withMethods(store, { load: async (access, options) => store.load(await whole(access), options) });
    },
  },

  'logins are not compared': {
    rule: 'I7',
    sequential: true,
    plant: (store) => withAccess(store, (access) => (access.proof === undefined ? openAccess(store, access) : access)),
  },

  'logins count renewals': {
    rule: 'I7',
    sequential: true,
    plant: (store) =>
      withAccess(store, async (access) => {
        const record = access.proof === undefined ? await recordOf(store, access.key) : undefined;
        if (!record) return access;
        return { key: access.key, logins: record.generation === access.logins ? record.logins : -1 };
      }),
  },

  'a former id is that of no session': {
    rule: 'I2',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          return result.outcome === 'superseded' ? { outcome: 'none' } : result;
        },
      }),
  },

  'only the last former id is known': {
    rule: 'I2',
    sequential: true,
    plant: (store) => {
      const replaced = new Map<string, string>();
      const noted = withUpdates(store, async (change) => {
        const before = change.renewal && (await recordOf(store, change.access.key));
        const result = await store.save(change);
        if (before && result.outcome === 'saved') replaced.set(change.access.key, before.proof);
        return result;
      });
      return withMethods(noted, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          const last = replaced.get(access.key);
          return result.outcome === 'superseded' && last && last !== access.proof ? { outcome: 'none' } : result;
        },
      });
    },
  },

  'a former id is superseded for ever': {
    rule: 'I2',
    sequential: true,
    plant: (store) => {
      const former = new Set<string>();
      const noted = withUpdates(store, async (change) => {
        const before = change.renewal && (await recordOf(store, change.access.key));
        const result = await store.save(change);
        if (before && result.outcome === 'saved') former.add(before.proof);
        return result;
      });
      return withMethods(noted, {
        load: async (access, options) => {
          const result = await store.load(access, options);
          const isFormer = result.outcome === 'none' && access.proof !== undefined && former.has(access.proof);
          return isFormer && (await recordOf(store, access.key)) ? { outcome: 'superseded' } : result;
        },
      });
    },
  },

  'the access is compared before the write id': {
    rule: 'I6',
    sequential: true,
    plant: (store) =>
      withUpdates(store, async (change) => {
        const { outcome } = await store.load(change.access);
        return outcome === 'superseded' ? { outcome } : store.save(change);
      }),
  },

  'an end without a session leaves no mark': {
    rule: 'I10',
    sequential: true,
    plant: (store) =>
      withMethods(store, {
        destroy: async (access) => {
          const { outcome } = await store.load(access);
          return outcome === 'none' ? { outcome } : store.destroy(access);
        },
      }),
  },

  'an id whose session is over is not superseded': {
    rule: 'I15',
    sequential: true,
    plant: (store) => withMethods(store, { supersede: () => undefined }),
  },

  'supersede also works where there is a session': {
    rule: 'I15',
    sequential: true,
    plant: (store) => {
      const superseded = new Set<string | undefined>();
      return withMethods(store, {
        supersede: ({ proof }) => void superseded.add(proof),
        load: (access, options) =>
          superseded.has(access.proof) ? { outcome: 'superseded' } : store.load(access, options),
      });
    },
  },
};
