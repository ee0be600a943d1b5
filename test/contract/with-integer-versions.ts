import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { versionOf } from './version-of.js';
import { withMethods } from './with-methods.js';

/** Shows `7` where the store keeps `7.<writeId>`: after a failover two different saves can both be 7. */
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
