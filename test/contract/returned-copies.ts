import type { LoadResult, SaveResult, SessionStore } from '../../libs/session/src/store/session-store.js';
import { keyOf, withMethods } from './broken-stores.js';

/**
 * A store that is asked as by the live sessions, which bring back the copy that came with an answer. Here it may be one
 * of an older state. The answers come without it: only the store itself understands a copy.
 */
export function returningCopies(store: SessionStore): SessionStore {
  return withCopies(store, true);
}

/** A store that is asked without copies. */
export function withoutCopies(store: SessionStore): SessionStore {
  return withCopies(store, false);
}

function withCopies(store: SessionStore, areReturned: boolean): SessionStore {
  const copies = new Map<string, unknown>();
  const noted = <T extends LoadResult | SaveResult>(key: string, answer: T): T => {
    const { copy, ...told } = { copy: undefined, ...answer };
    if (areReturned && copy !== undefined) copies.set(key, copy);
    return told as unknown as T;
  };
  return withMethods(store, {
    open: async () => store.open?.(),
    close: async () => store.close?.(),
    load: async (access, options) => noted(access.key, await store.load(access, options)),
    save: async (change) => {
      const key = keyOf(change);
      return noted(key, await store.save(change.mode === 'update' ? { ...change, copy: copies.get(key) } : change));
    },
  });
}
