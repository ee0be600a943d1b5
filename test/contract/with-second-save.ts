import type { SessionChange } from '../../libs/session/src/store/session-change.js';
import type { SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { withMethods } from './with-methods.js';

/** Answers in its own way to a change that was saved before. */
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
