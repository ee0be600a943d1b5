import type { Replica } from '../../libs/replicated/src/copy/replica.js';
import type { SessionState } from '../../libs/replicated/src/copy/session-state.js';
import type { Tombstone } from '../../libs/replicated/src/copy/tombstone.js';
import type { Locators } from '../../libs/replicated/src/copy/locators.js';
import type { ReplicationContext } from '../../libs/replicated/src/protocol/replication-context.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';

/** Private parts of a `ReplicatedSessionStore` that the simulation inspects, or breaks on purpose. */
export interface InsideOfStore {
  readonly context: ReplicationContext;
  readonly locators: Locators;
  readonly primary: {
    hasLease: () => boolean;
    refusal: () => Promise<undefined>;
    readonly room: { end: (replica: Replica, state: SessionState, tombstone: Tombstone) => Promise<boolean> };
  };
  readonly upkeep: {
    readonly repair: { request: () => void };
    readonly heartbeats: { readonly missedNews: { onAnswer: () => void } };
  };
}

export function insideOf(store: SessionStore): InsideOfStore {
  const { node, locators } = store as unknown as {
    readonly node: Omit<InsideOfStore, 'locators'>;
    readonly locators: Locators;
  };
  const { context, primary, upkeep } = node as InsideOfStore;
  return { context, locators, primary, upkeep };
}
