import type {
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionChange,
  SessionKey,
  SessionStore,
} from 'nestjs-session-beans/store-kit';

type Operation = 'load' | 'save' | 'touch' | 'destroy';

/** A store in front of a store: counts the calls, and can be slow, down, or asked to wait. */
export class CountingStore implements SessionStore {
  readonly name: string;
  readonly calls: Record<Operation, number> = { load: 0, save: 0, touch: 0, destroy: 0 };

  readonly lock: SessionStore['lock'];
  readonly unlock: SessionStore['unlock'];

  /** Awaited before each call is passed on; throw here to be down. */
  before: (operation: Operation, argument: unknown) => Promise<void> | void = () => undefined;

  constructor(
    readonly inner: SessionStore,
    readonly capabilities = inner.capabilities,
  ) {
    this.name = inner.name;
    this.lock = inner.lock?.bind(inner);
    this.unlock = inner.unlock?.bind(inner);
  }

  get total(): number {
    return Object.values(this.calls).reduce((sum, count) => sum + count, 0);
  }

  reset(): void {
    Object.assign(this.calls, { load: 0, save: 0, touch: 0, destroy: 0 });
  }

  async load(key: SessionKey, options?: LoadOptions): Promise<LoadResult> {
    await this.count('load', key);
    return this.inner.load(key, options);
  }

  async save(change: SessionChange): Promise<SaveResult> {
    await this.count('save', change);
    return this.inner.save(change);
  }

  async touch(key: SessionKey): Promise<boolean> {
    await this.count('touch', key);
    return this.inner.touch(key);
  }

  async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    await this.count('destroy', key);
    return this.inner.destroy(key, ifStamp);
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private async count(operation: Operation, argument: unknown): Promise<void> {
    this.calls[operation]++;
    await this.before(operation, argument);
  }
}
