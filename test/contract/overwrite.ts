import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { versionOf } from './version-of.js';

/** Saves a change whatever is stored. */
export async function overwrite(store: SessionStore, change: SessionChange): Promise<SaveResult> {
  const result = await store.save(change);
  if (result.outcome !== 'conflict' || change.mode === 'create') return result;
  const parts = [...change.parts].map(
    ([name, part]) => [name, { ...part, base: versionOf(result.record, name) }] as const,
  );
  return overwrite(store, { ...change, parts: new Map(parts) });
}
