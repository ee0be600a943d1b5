import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SessionStore } from 'nestjs-session-beans';
import type { SessionAccess, SessionChange, SessionRecord } from 'nestjs-session-beans/store-kit';
import { overwrite, withMethods } from '../contract/broken-stores.js';

/** Faults that a simpler store would have. Each test of a rule fails with one of them. */
export const plantedFaults = {
  /** The last write wins. */
  overwrites: (store: SessionStore) => withMethods(store, { save: (change) => overwrite(store, change) }),

  /** Each bean has its own key. They are written one after the other. */
  savesPartByPart: (store: SessionStore) =>
    withMethods(store, {
      async save(change) {
        if (change.mode === 'create' || change.renewal || change.parts.size < 2) return store.save(change);
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
    const current = <A extends { readonly key: string }>(access: A): A => ({
      ...access,
      key: renamed.get(access.key) ?? access.key,
    });
    const lifetime = { idleTimeoutMs: 1_800_000, absoluteTimeoutMs: 43_200_000, unjoinedTimeoutMs: 1_800_000 };
    return withMethods(store, {
      load: (access, options) => store.load(current(access), options),
      touch: (access) => store.touch(current(access)),
      destroy: (access) => store.destroy(current(access)),
      async save(change) {
        if (change.mode === 'create') return store.save(current(change));
        const result = await store.save({ ...change, access: current(change.access) });
        const { key, proof } = change.access;
        if (result.outcome !== 'gone' || proof === undefined) return result;
        // The store refuses an ended key. A new key makes it look as if it did not.
        renamed.set(key, `${key}_${renamed.size}`);
        const parts = new Map([...change.parts].map(([name, part]) => [name, { ...part, base: null }]));
        const { writeId } = change;
        return store.save({ mode: 'create', ...current({ key }), proof, writeId, lifetime, parts });
      },
    });
  },

  /**
   * Answers `unchanged` for any copy that is not older than a save of its own server, as a store with plain numbers as
   * versions would.
   */
  saysUnchanged: (store: SessionStore) =>
    withMethods(store, {
      async load(access, options) {
        const result = await store.load(access, options);
        if (result.outcome !== 'found' || options?.known === undefined) return result;
        return { outcome: 'unchanged', times: result.record };
      },
    }),
};

/** Faults about ids and logins. Where nobody renews an id or logs in, such a store is a correct one. */
export const plantedIdentityFaults = {
  /** A former id still opens the session, as if both were its id. */
  opensWithFormerIds: (store: SessionStore) => {
    const ids = new RenewedProofs();
    const { locks } = store;
    return withMethods(store, {
      locks: locks && {
        acquire: (access, lock) => locks.acquire(ids.present(access), lock),
        release: (key, lock) => locks.release(key, lock),
      },
      load: async (access, options) => ids.asKnown(access, await store.load(ids.present(access), options)),
      touch: (access) => store.touch(ids.present(access)),
      destroy: (access) => store.destroy(ids.present(access)),
      save: async (change) => {
        const result = await ids.save(store, change);
        return change.mode === 'update' ? ids.asKnown(change.access, result) : result;
      },
    });
  },

  /** Opens sessions by their key, as a store of before would that somebody has adapted in a hurry. */
  comparesNoProof: (store: SessionStore) => {
    const ids = new RenewedProofs();
    return withMethods(store, {
      load: (access, options) => store.load(ids.present(access), options),
      save: async (change) => ids.save(store, change),
    });
  },

  /** Whoever has a former id may write, though not read. Of two renewals at once both are saved. */
  savesUnderFormerIds: (store: SessionStore) => {
    const ids = new RenewedProofs();
    return withMethods(store, {
      save: async (change) => {
        const result = await ids.save(store, change);
        return change.mode === 'update' ? ids.asKnown(change.access, result) : result;
      },
    });
  },

  /** A login removes nothing from the session. */
  ignoresKeep: (store: SessionStore) =>
    withMethods(store, {
      async save(change) {
        if (change.mode === 'create' || !change.renewal) return store.save(change);
        const { renewal } = change;
        const kept = { ...change, renewal: { ...renewal, keep: undefined } };
        return renewal.keep ? overwrite(store, kept) : store.save(kept);
      },
    }),

  /** A handle names a session, whoever is logged in to it. */
  ignoresLogins: (store: SessionStore) => {
    const logins = new Map<string, number>();
    return withMethods(store, {
      async load(access, options) {
        const result = await store.load(access, options);
        if (result.outcome === 'found') logins.set(access.key, result.record.logins);
        return result;
      },
      async destroy({ key, proof, logins: named }) {
        return store.destroy(proof === undefined ? { key, logins: logins.get(key) ?? named } : { key, proof });
      },
    });
  },
};

/** Takes a former proof for the present one. */
class RenewedProofs {
  private readonly next = new Map<string, string>();

  present(access: SessionAccess): SessionAccess {
    let { proof } = access;
    if (proof === undefined) return access;
    while (this.next.has(proof)) proof = this.next.get(proof) as string;
    return { key: access.key, proof };
  }

  /** The answer as it would be if the record had the proof that the caller knows. */
  asKnown<T extends { readonly outcome: string } | { readonly outcome: string; readonly record: SessionRecord }>(
    { proof }: SessionAccess,
    result: T,
  ): T {
    return proof !== undefined && 'record' in result ? { ...result, record: { ...result.record, proof } } : result;
  }

  async save(store: SessionStore, change: SessionChange): Promise<Awaited<ReturnType<SessionStore['save']>>> {
    if (change.mode === 'create') return store.save(change);
    const access = this.present(change.access);
    const result = await store.save({ ...change, access });
    const { renewal } = change;
    if (result.outcome === 'saved' && renewal && access.proof !== undefined && access.proof !== renewal.proof)
      this.next.set(access.proof, renewal.proof);
    return result;
  }
}
