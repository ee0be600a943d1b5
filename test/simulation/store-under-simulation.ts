import type { SessionStore } from '../../libs/session/src/store/session-store.js';
import type { ReplicatedSessionStoreOptions } from '../../libs/replicated/src/index.js';

/** The copy of a session that one member keeps, as far as the check at the end needs it. */
export interface KeptCopy {
  readonly role: 'primary' | 'backup';

  /** Name of the backup, or `-`. */
  readonly backup: string;

  /** All that the two copies of a session must have in common, as text. */
  readonly content: string;
}

/** A kind of store. Each generation of a member creates one store. */
export interface StoreUnderSimulation {
  create(options: Readonly<ReplicatedSessionStoreOptions>): SessionStore;

  /** Reads a copy without changing the store. A store that keeps no copies leaves it out. */
  copyOf?(store: SessionStore, key: string): KeptCopy | undefined;
}
