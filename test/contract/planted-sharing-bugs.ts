import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { openAccess, withMethods } from './broken-stores.js';
import type { PlantedBug } from './planted-bugs.js';

/** Sessions that get a new id just now, on any server. */
const renewing = new Set<string>();

/** Mistakes in what only some stores have: locks, notices and locators. Each is wrapped around a correct store. */
export const plantedSharingBugs: Readonly<Record<string, Omit<PlantedBug, 'sequential'>>> = {
  'a lock is given to a caller with a wrong id': {
    rule: 'I1',
    plant: (store) =>
      withLocks(store, (locks) => ({
        acquire: async (access, lock) => locks.acquire(await openAccess(store, access), lock),
      })),
  },

  'a former id keeps the lock': {
    rule: 'I5',
    plant: (store) =>
      withLocks(store, (locks) => ({
        acquire: async (access, lock) => {
          const result = await locks.acquire(access, lock);
          if (result.outcome === 'superseded') await locks.acquire(await openAccess(store, access), lock);
          return result;
        },
      })),
  },

  'two tokens hold a lock': {
    rule: 'K1',
    plant: (store) =>
      withLocks(store, (locks) => ({
        acquire: async (access, lock) => {
          const result = await locks.acquire(access, lock);
          return result.outcome === 'held' ? { outcome: 'locked' } : result;
        },
      })),
  },

  'a lock is given back by anybody': {
    rule: 'K6',
    plant: (store) => {
      const tokens = new Map<string, string>();
      return withLocks(store, (locks) => ({
        acquire: async (access, lock) => {
          const result = await locks.acquire(access, lock);
          if (result.outcome === 'locked') tokens.set(access.key, lock.token);
          return result;
        },
        release: (key, lock) => locks.release(key, { token: tokens.get(key) ?? lock.token }),
      }));
    },
  },

  'a lock ends with a renewal': {
    rule: 'I3',
    plant: (store) =>
      withMethods(store, {
        save: async (change) => {
          const result = await store.save(change);
          const token = change.mode === 'update' && change.renewal && change.lock;
          if (token && result.outcome === 'saved') await store.locks?.release(change.access.key, { token });
          return result;
        },
      }),
  },

  'a save does not ask for the lock it names': {
    rule: 'K4',
    plant: (store) =>
      withMethods(store, {
        save: (change) => store.save(change.mode === 'create' ? change : { ...change, lock: undefined }),
      }),
  },

  'a save sent again asks for the lock again': {
    rule: 'S5',
    plant: (store) =>
      withMethods(store, {
        save: async (change) => {
          if (change.mode === 'create' || change.lock === undefined) return store.save(change);
          const probe = { token: 'probe', leaseMs: 1 };
          const isFree = (await store.locks?.acquire(change.access, probe))?.outcome === 'locked';
          if (isFree) await store.locks?.release(change.access.key, probe);
          return isFree ? { outcome: 'unlocked' } : store.save(change);
        },
      }),
  },

  'a renewal is not told': {
    rule: 'N2',
    plant: (store) =>
      withMethods(store, {
        notices: {
          subscribe: (onChange) => store.notices?.subscribe((key) => void (renewing.has(key) || onChange(key))),
        },
        save: async (change) => {
          const { key } = change.mode === 'create' ? change : change.access;
          if (change.mode === 'update' && change.renewal) renewing.add(key);
          const result = await store.save(change);
          renewing.delete(key);
          return result;
        },
      }),
  },

  'a locator opens the session': {
    rule: 'P1',
    plant: (store) =>
      withMethods(store, {
        load: async (access, options) =>
          store.load(options?.locator?.startsWith('server') ? await openAccess(store, access) : access, options),
      }),
  },
};

type Locks = NonNullable<SessionStore['locks']>;

function withLocks(store: SessionStore, change: (locks: Locks) => Partial<Locks>): SessionStore {
  const { locks } = store;
  return locks ? withMethods(store, { locks: { ...locks, ...change(locks) } }) : store;
}
