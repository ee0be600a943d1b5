import type { ClientAccess, MaybePromise, SessionChange, SessionStore } from 'nestjs-session-beans/store-kit';

type Operation = 'load' | 'save' | 'touch' | 'destroy';

type Facts = Pick<SessionStore, 'shared' | 'updates' | 'locates' | 'locks' | 'notices'>;

/** A store in front of a store: counts the calls, and can be slow, down, or asked to wait. */
export class CountingStore implements SessionStore {
  readonly name: string;
  readonly contract = 1;
  readonly shared: boolean;
  readonly updates: SessionStore['updates'];
  readonly locates: SessionStore['locates'];
  readonly locks: SessionStore['locks'];
  readonly notices: SessionStore['notices'];
  readonly expiries: SessionStore['expiries'];
  readonly principals: SessionStore['principals'];
  readonly epoch: SessionStore['epoch'];
  readonly calls: Record<Operation, number> = { load: 0, save: 0, touch: 0, destroy: 0 };

  /** Awaited before each call is passed on; throw here to be down. */
  before: (operation: Operation, argument: unknown) => Promise<void> | void = () => undefined;

  /** @param facts what it says of itself; default: what the store behind it says */
  constructor(
    readonly inner: SessionStore,
    { shared, updates, locates, locks, notices }: Facts = inner,
  ) {
    this.name = inner.name;
    this.shared = shared;
    this.updates = updates;
    this.locates = locates;
    this.locks = locks;
    this.notices = notices;
    this.expiries = inner.expiries;
    this.principals = inner.principals;
    this.epoch = inner.epoch;
  }

  get total(): number {
    return Object.values(this.calls).reduce((sum, count) => sum + count, 0);
  }

  reset(): void {
    Object.assign(this.calls, { load: 0, save: 0, touch: 0, destroy: 0 });
  }

  async load(...call: Parameters<SessionStore['load']>): Promise<Awaited<ReturnType<SessionStore['load']>>> {
    await this.count('load', call[0]);
    return this.inner.load(...call);
  }

  async save(change: SessionChange): Promise<Awaited<ReturnType<SessionStore['save']>>> {
    await this.count('save', change);
    return this.inner.save(change);
  }

  async touch(...call: Parameters<SessionStore['touch']>): Promise<Awaited<ReturnType<SessionStore['touch']>>> {
    await this.count('touch', call[0]);
    return this.inner.touch(...call);
  }

  async destroy(...call: Parameters<SessionStore['destroy']>): Promise<Awaited<ReturnType<SessionStore['destroy']>>> {
    await this.count('destroy', call[0]);
    return this.inner.destroy(...call);
  }

  supersede(access: ClientAccess): MaybePromise<void> {
    return this.inner.supersede(access);
  }

  filled(): number | undefined {
    return this.inner.filled?.();
  }

  open(): MaybePromise<void> {
    return this.inner.open?.();
  }

  close(): MaybePromise<void> {
    return this.inner.close();
  }

  private async count(operation: Operation, argument: unknown): Promise<void> {
    this.calls[operation]++;
    await this.before(operation, argument);
  }
}
