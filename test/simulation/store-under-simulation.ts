import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/options/replicated-session-store.options.js';

/** What one member keeps of a session, as far as the check at the end wants to know. */
export interface KeptCopy {
  readonly role: 'primary' | 'backup';

  /** Name of the other member, or `-`. */
  readonly backup: string;

  /** Everything that two copies have to have in common, as text. */
  readonly content: string;
}

/** A kind of store, of which each life of a member gets one. */
export interface StoreUnderSimulation {
  create(options: Readonly<ReplicatedSessionStoreOptions>): SessionStore;

  /** Looks into a store without changing it. Absent for a store that keeps no copies. */
  copyOf?(store: SessionStore, key: string): KeptCopy | undefined;
}
