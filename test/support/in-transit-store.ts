import type {
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionChange,
  SessionKey,
  SessionStore,
} from 'nestjs-session-beans/store-kit';

export type StoreOperation = 'load' | 'save' | 'touch' | 'destroy';

/**
 * What happens to a call on its way: resolve to let it pass, when it should pass. Rejecting the `request` means that
 * the store never saw it; rejecting the `reply` that it did, and nobody knows.
 */
export type Transit = (leg: 'request' | 'reply', operation: StoreOperation) => Promise<void>;

/** A store that several servers share, at the other end of a network. Counts what was asked of it. */
export class InTransitStore implements SessionStore {
  readonly name = 'remote';
  readonly capabilities = { shared: true };
  readonly calls: Record<StoreOperation, number> = { load: 0, save: 0, touch: 0, destroy: 0 };

  constructor(
    readonly inner: SessionStore,
    public transit: Transit = async () => undefined,
  ) {}

  load(key: SessionKey, options?: LoadOptions): Promise<LoadResult> {
    return this.pass('load', () => this.inner.load(key, options));
  }

  save(change: SessionChange): Promise<SaveResult> {
    return this.pass('save', () => this.inner.save(change));
  }

  touch(key: SessionKey): Promise<boolean> {
    return this.pass('touch', () => this.inner.touch(key));
  }

  destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    return this.pass('destroy', () => this.inner.destroy(key, ifStamp));
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async pass<T>(operation: StoreOperation, call: () => T | Promise<T>): Promise<T> {
    this.calls[operation]++;
    await this.transit('request', operation);
    const result = await call();
    await this.transit('reply', operation);
    return result;
  }
}
