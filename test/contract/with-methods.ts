import type { SessionStore } from '../../libs/session/src/store/session-store.js';

/** The same store with some methods replaced. */
export function withMethods(store: SessionStore, methods: Partial<SessionStore>): SessionStore {
  return {
    name: store.name,
    capabilities: store.capabilities,
    load: (key, options) => store.load(key, options),
    save: (change) => store.save(change),
    touch: (key) => store.touch(key),
    destroy: (key, ifStamp) => store.destroy(key, ifStamp),
    close: () => store.close(),
    ...methods,
  };
}
