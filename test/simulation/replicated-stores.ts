import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';
import { ReplicatedSessionStore } from '../../libs/replicated/src/replicated-session-store.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { insideOf } from './inside-of.js';
import type { KeptCopy, StoreUnderSimulation } from './store-under-simulation.js';

/** The replicated store, which this simulation exists to test. */
export function replicatedStores(
  create = (options: Readonly<ReplicatedSessionStoreOptions>): SessionStore => new ReplicatedSessionStore(options),
): StoreUnderSimulation {
  return { create, copyOf };
}

function copyOf(store: SessionStore, key: string): KeptCopy | undefined {
  const replica = insideOf(store).context.table.get(key);
  if (!replica) return undefined;
  const { counter, node, backup, seq, isOwn, fenced, state } = replica;
  const role = isOwn && !fenced ? 'primary' : 'backup';
  // Times are left out, because the clocks of two members differ.
  const content = JSON.stringify([counter, node, backup, seq, state], (name, value: unknown) =>
    /At$|^until$/.test(name) ? undefined : value,
  );
  return { role, backup, content };
}
