import type { SessionAccess } from '../../libs/session/src/store/session-id.js';
import type { LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import type { SessionChange, SessionUpdate } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';

/** The same store with some members replaced. */
export function withMethods(store: SessionStore, methods: Partial<SessionStore>): SessionStore {
  return {
    name: store.name,
    contract: store.contract,
    shared: store.shared,
    locates: store.locates,
    locks: store.locks,
    notices: store.notices,
    principals: store.principals,
    epoch: store.epoch,
    load: (access, options) => store.load(access, options),
    save: (change) => store.save(change),
    touch: (access) => store.touch(access),
    destroy: (access) => store.destroy(access),
    supersede: (access) => store.supersede(access),
    close: () => store.close(),
    ...methods,
  };
}

/** The key of the session that a change is about. */
export function keyOf(change: SessionChange): string {
  return change.mode === 'create' ? change.key : change.access.key;
}

/** Saves a change even if it conflicts with the stored state. */
export async function overwrite(store: SessionStore, change: SessionChange): Promise<SaveResult> {
  const result = await store.save(change);
  if (result.outcome !== 'conflict' || change.mode === 'create') return result;
  const keep = change.renewal?.keep;
  const base = (name: string): string | null => (!keep || keep.includes(name) ? versionOf(result.record, name) : null);
  const parts = [...change.parts].map(([name, part]) => [name, { ...part, base: base(name) }] as const);
  return overwrite(store, { ...change, parts: new Map(parts) });
}

/** The version of a part, or null if there is none. A change names it as its base. */
export function versionOf(record: SessionRecord, name: string): string | null {
  return record.parts.get(name)?.version ?? null;
}

/** The session, whatever its id and its principal are by now: for bugs that do not compare the access. */
export async function recordOf(store: SessionStore, key: string): Promise<SessionRecord | undefined> {
  for (let logins = 0; logins < 20; logins++) {
    const result = await store.load({ key, logins });
    if (result.outcome === 'found') return result.record;
  }
  return undefined;
}

/** Access that opens the session with this key, or the given one where there is none. */
export async function openAccess(store: SessionStore, access: SessionAccess): Promise<SessionAccess> {
  const record = await recordOf(store, access.key);
  return record ? { key: access.key, proof: record.proof } : access;
}

/** The same store that saves updates in another way. */
export function withUpdates(store: SessionStore, save: (change: SessionUpdate) => Promise<SaveResult>): SessionStore {
  return withMethods(store, { save: (change) => (change.mode === 'create' ? store.save(change) : save(change)) });
}

/** The same store that reads the access in another way, in every method. */
export function withAccess(
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

/** Changes the records in all answers. */
export function withRecords(
  store: SessionStore,
  change: (record: SessionRecord, key: string) => SessionRecord,
): SessionStore {
  const answer = <T extends LoadResult | SaveResult>(key: string, result: T): T =>
    'record' in result ? { ...result, record: change(result.record, key) } : result;
  return withMethods(store, {
    load: async (access, options) => answer(access.key, await store.load(access, options)),
    save: async (made) => answer(keyOf(made), await store.save(made)),
  });
}

/** Answers a repeated change with `second` instead of the store. */
export function withSecondSave(
  store: SessionStore,
  second: (change: SessionChange) => Promise<SaveResult>,
): SessionStore {
  const saved = new Set<string>();
  const save = async (change: SessionChange): Promise<SaveResult> => {
    if (saved.has(change.writeId)) return second(change);
    const result = await store.save(change);
    if (result.outcome === 'saved') saved.add(change.writeId);
    return result;
  };
  return withMethods(store, { save });
}

/** Lets a planted bug use a key again after its end: `reuse` makes the correct store forget the key. */
export function withReusableKeys(
  store: SessionStore,
  methods: (inner: SessionStore, reuse: (key: string) => void) => Partial<SessionStore>,
): SessionStore {
  const uses = new Map<string, number>();
  const alias = <T extends { readonly key: string }>(named: T): T => ({
    ...named,
    key: `${named.key}#${uses.get(named.key) ?? 0}`,
  });
  const inner = withMethods(store, {
    load: (access, options) => store.load(alias(access), options),
    save: (change) =>
      store.save(change.mode === 'create' ? alias(change) : { ...change, access: alias(change.access) }),
    touch: (access) => store.touch(alias(access)),
    destroy: (access) => store.destroy(alias(access)),
    supersede: (access) => store.supersede(alias(access)),
  });
  return withMethods(
    inner,
    methods(inner, (key) => uses.set(key, (uses.get(key) ?? 0) + 1)),
  );
}

/**
 * A planted bug: versions are plain numbers, `7` instead of `7.<writeId>`. After a failover, two different saves may
 * both be version 7.
 */
export function withIntegerVersions(store: SessionStore): SessionStore {
  return withMethods(store, {
    load: async (access, options = {}) => {
      const result = await store.load(access, { ...options, known: undefined });
      if (result.outcome !== 'found') return result;
      const record = plainRecord(result.record);
      return record.stamp === options.known ? { outcome: 'unchanged', times: record } : { outcome: 'found', record };
    },
    save: async (change) => {
      const current = await recordOf(store, keyOf(change));
      const base = (name: string, given: string | null): string | null => {
        const stored = current ? versionOf(current, name) : null;
        return stored !== null && given === plain(stored) ? stored : given;
      };
      const parts = [...change.parts].map(([name, part]) => [name, { ...part, base: base(name, part.base) }] as const);
      const result = await store.save({ ...change, parts: new Map(parts) });
      if (result.outcome === 'saved') return { ...result, stamp: plain(result.stamp) };
      return result.outcome === 'conflict' ? { ...result, record: plainRecord(result.record) } : result;
    },
  });
}

function plainRecord(record: SessionRecord): SessionRecord {
  const parts = [...record.parts].map(([name, part]) => [name, { ...part, version: plain(part.version) }] as const);
  return { ...record, stamp: plain(record.stamp), parts: new Map(parts) };
}

function plain(version: string): string {
  return `${Number.parseInt(version, 10)}`;
}
