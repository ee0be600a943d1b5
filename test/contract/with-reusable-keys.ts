import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { withMethods } from './with-methods.js';

/** Lets a bug use a key again after its end: `renew` forgets all that the right store knows about it. */
export function withReusableKeys(
  store: SessionStore,
  methods: (inner: SessionStore, renew: (key: string) => void) => Partial<SessionStore>,
): SessionStore {
  const lives = new Map<string, number>();
  const alias = (key: string): string => `${key}#${lives.get(key) ?? 0}`;
  const inner = withMethods(store, {
    load: (key, options) => store.load(alias(key), options),
    save: (change) => store.save({ ...change, key: alias(change.key) }),
    touch: (key) => store.touch(alias(key)),
    destroy: (key, ifStamp) => store.destroy(alias(key), ifStamp),
  });
  return withMethods(
    inner,
    methods(inner, (key) => lives.set(key, (lives.get(key) ?? 0) + 1)),
  );
}
