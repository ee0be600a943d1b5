import type { SessionChange, SessionUpdate } from '../../libs/session/src/store/session-change.js';
import type { SessionAccess } from '../../libs/session/src/store/session-id.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { openAccess, recordOf, versionOf, withMethods, withRecords } from './broken-stores.js';
import type { PlantedBug } from './planted-bugs.js';

/** Mistakes in what a store does about ids, renewals and logins, each wrapped around a correct store. */
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

/** The same store that saves updates in another way. */
function withUpdates(store: SessionStore, save: (change: SessionUpdate) => Promise<SaveResult>): SessionStore {
  return withMethods(store, { save: (change) => (change.mode === 'create' ? store.save(change) : save(change)) });
}

/** The same store that reads the access in another way, in every method. */
function withAccess(
  store: SessionStore,
  read: (access: SessionAccess) => SessionAccess | Promise<SessionAccess>,
): SessionStore {
  return withMethods(
    withUpdates(store, async (change) => store.save({ ...change, access: await read(change.access) })),
    {
      load: async (access, options) => store.load(await read(access), options),
      touch: async (access) => store.touch(await read(access)),
      destroy: async (access) => store.destroy(await read(access)),
    },
  );
}
