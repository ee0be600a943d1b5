import { SessionConfigurationError } from '../errors/session-configuration.error.js';
import type { SessionStore } from './session-store.js';
import type { StoreGateway } from './store-gateway.js';
import type { PrincipalPage, PrincipalSessions, StoreEpoch, StorePrincipals } from './store-principals.js';

/**
 * What the core asks the store about sessions that no client has presented: those of a principal, and the end of all.
 * Not every store can do that.
 */
export class StoreDirectory {
  constructor(
    private readonly store: SessionStore,
    private readonly gateway: StoreGateway,
  ) {}

  /**
   * Sessions of the principal.
   * @throws SessionConfigurationError where the store cannot find them; SessionStoreError
   */
  async list(principal: string, page: PrincipalPage): Promise<PrincipalSessions> {
    const principals = this.requirePrincipals();
    const { gateway } = this;
    const { sessions, next } = await gateway.ask('list', () => principals.list(principal, page));
    const opened = sessions.map(({ key, record }) => ({ key, record: gateway.opened(record, key) }));
    // This server may have ended all sessions just now.
    return { sessions: opened.filter(({ record }) => !gateway.isOver(record)), next };
  }

  /** Whether all sessions can be ended at once. */
  get hasEpoch(): boolean {
    return this.store.epoch !== undefined;
  }

  /** Ends all sessions. @throws SessionConfigurationError where the store cannot do that; SessionStoreError */
  beginEpoch(): Promise<number> {
    const epoch = this.requireEpoch();
    return this.gateway.ask('epoch', () => epoch.begin());
  }

  /** When all sessions were ended last; undefined if they never were. */
  readEpoch(): Promise<number | undefined> {
    const epoch = this.requireEpoch();
    return this.gateway.ask('epoch', () => epoch.read());
  }

  private requirePrincipals(): StorePrincipals {
    const { principals, name } = this.store;
    if (principals) return principals;
    throw new SessionConfigurationError(
      `SessionRegistry: the store ${name} cannot find the sessions of a user (it has no principals); take one that ` +
        'docs/stores/README.md names for it, or implement StorePrincipals',
    );
  }

  private requireEpoch(): StoreEpoch {
    const { epoch, name } = this.store;
    if (epoch) return epoch;
    throw new SessionConfigurationError(
      `SessionRegistry.revokeEverySession(): the store ${name} cannot end all sessions at once (it has no epoch); ` +
        'take one that docs/stores/README.md names for it, or implement StoreEpoch',
    );
  }
}
