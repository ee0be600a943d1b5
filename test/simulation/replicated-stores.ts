import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/options/replicated-session-store.options.js';
import { ReplicatedSessionStore } from '../../libs/replicated/src/replicated-session-store.js';
import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import { insideOf } from './inside-of.js';
import type { KeptCopy, StoreUnderSimulation } from './store-under-simulation.js';

/** What the simulation is made for. */
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
  // The two members have different clocks.
  const content = JSON.stringify([counter, node, backup, seq, state], (name, value: unknown) =>
    /At$|^until$/.test(name) ? undefined : value,
  );
  return { role, backup, content };
}
