import { ReplicatedSessionStore } from '../../libs/replicated/src/replicated-session-store.js';
import { type InsideOfStore, insideOf } from './inside-of.js';
import type { Invariant } from './invariants.js';
import { replicatedStores } from './replicated-stores.js';
import type { StoreUnderSimulation } from './store-under-simulation.js';
import { type TransportTaps, tappedTransport } from './tapped-transport.js';

/** A mistake that is planted into the correct store. */
export interface PlantedBug {
  /** An invariant that the bug breaks; it may break others, too. */
  readonly breaks: Invariant;
  readonly stores: () => StoreUnderSimulation;

  /** The seed of a schedule that shows the bug. The search begins there, and goes on if that schedule has changed. */
  readonly from?: number;

  /** The bug shows only where messages travel together. */
  readonly isOfGroups?: true;
}

/** A store that is changed after it was made. */
export function changed(change: (store: ReplicatedSessionStore) => void): StoreUnderSimulation {
  return replicatedStores((options) => {
    const store = new ReplicatedSessionStore(options);
    change(store);
    return store;
  });
}

/** A store whose messages are changed. */
export function tapped(taps: (inside: () => InsideOfStore) => TransportTaps): StoreUnderSimulation {
  return replicatedStores((options) => {
    if (!options.transport) throw new Error('needs a transport');
    const transport = tappedTransport(
      options.transport,
      taps(() => insideOf(store)),
    );
    const store = new ReplicatedSessionStore({ ...options, transport });
    return store;
  });
}
