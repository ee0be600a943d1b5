import type { ReplicationContext } from '../../libs/replicated/src/protocol/replication-context.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';

/** Private parts of a `ReplicatedSessionStore` that the simulation inspects, or breaks on purpose. */
export interface InsideOfStore {
  readonly context: ReplicationContext;
  readonly primary: { hasLease: () => boolean };
  readonly upkeep: { readonly repair: { request: () => void } };
}

export function insideOf(store: SessionStore): InsideOfStore {
  return (store as unknown as { readonly node: InsideOfStore }).node;
}
