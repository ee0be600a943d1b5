import type { Environment } from './environment.js';

/** The store of this server. */
export type StoreConfig =
  | { readonly kind: 'memory' }
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly url: string };

/**
 * Reads SESSION_STORE. Where it is not set, servers that share a store take Redis, and others the memory.
 *
 * @param isShared whether the pattern needs a store that servers share
 */
export function readStoreConfig(env: Environment, isShared: boolean): StoreConfig {
  const text = env.text('SESSION_STORE') ?? (isShared ? 'redis' : 'memory');
  const file = /^sqlite:(.+)$/.exec(text)?.[1];
  if (file !== undefined) return { kind: 'sqlite', file };
  if (/^postgres(ql)?:/.test(text)) return { kind: 'postgres', url: text };
  if (text === 'redis' && isShared) return { kind: 'redis', url: env.required('REDIS_URL', 'redis://127.0.0.1:6379') };
  if (text === 'memory' && !isShared) return { kind: 'memory' };
  // Not the value: a url may hold a password.
  const allowed = isShared ? 'redis' : 'memory';
  throw new Error(`SESSION_STORE: allowed are ${allowed}, sqlite:FILE, postgres://…, with this SESSION_PATTERN`);
}
