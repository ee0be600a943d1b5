import type { SessionStore, SaveResult } from '../../libs/session/src/store/session-store.js';
import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SessionRecord } from '../../libs/session/src/store/session-record.js';

/** The same store with some methods replaced. */
export function withMethods(store: SessionStore, methods: Partial<SessionStore>): SessionStore {
  return {
    name: store.name,
    contract: store.contract,
    shared: store.shared,
    locates: store.locates,
    locks: store.locks,
    notices: store.notices,
    load: (access, options) => store.load(access, options),
    save: (change) => store.save(change),
    touch: (access) => store.touch(access),
    destroy: (access) => store.destroy(access),
    supersede: (access) => store.supersede(access),
    close: () => store.close(),
    ...methods,
  };
}

/** Saves a change even if it conflicts with the stored state. */
export async function overwrite(store: SessionStore, change: SessionChange): Promise<SaveResult> {
  const result = await store.save(change);
  if (result.outcome !== 'conflict' || change.mode === 'create') return result;
  const parts = [...change.parts].map(
    ([name, part]) => [name, { ...part, base: versionOf(result.record, name) }] as const,
  );
  return overwrite(store, { ...change, parts: new Map(parts) });
}

/** The version of a part, or null if there is none. A change names it as its base. */
export function versionOf(record: SessionRecord, name: string): string | null {
  return record.parts.get(name)?.version ?? null;
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

/** Lets a planted bug use a key again after its end: `renew` makes the correct store forget the key. */
export function withReusableKeys(
  store: SessionStore,
  methods: (inner: SessionStore, renew: (key: string) => void) => Partial<SessionStore>,
): SessionStore {
  const generations = new Map<string, number>();
  const alias = (key: string): string => `${key}#${generations.get(key) ?? 0}`;
  const inner = withMethods(store, {
    load: (key, options) => store.load(alias(key), options),
    save: (change) => store.save({ ...change, key: alias(change.key) }),
    touch: (key) => store.touch(alias(key)),
    destroy: (key, ifStamp) => store.destroy(alias(key), ifStamp),
  });
  return withMethods(
    inner,
    methods(inner, (key) => generations.set(key, (generations.get(key) ?? 0) + 1)),
  );
}

/**
 * A planted bug: versions are plain numbers, `7` instead of `7.<writeId>`. After a failover, two different saves may
 * both be version 7.
 */
export function withIntegerVersions(store: SessionStore): SessionStore {
  return withMethods(store, {
    load: async (key, options = {}) => {
      const result = await store.load(key, { ...options, known: undefined });
      if (result.outcome !== 'found') return result;
      const record = plainRecord(result.record);
      return record.stamp === options.known ? { outcome: 'unchanged', times: record } : { outcome: 'found', record };
    },
    save: async (change) => {
      const current = await store.load(change.key);
      const base = (name: string, given: string | null): string | null => {
        const stored = current.outcome === 'found' ? versionOf(current.record, name) : null;
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
