import {
  type ClientAccess,
  type DestroyResult,
  type LoadOptions,
  type LoadResult,
  type SaveResult,
  type SessionAccess,
  type SessionChange,
  type SessionStore,
  SessionStoreError,
  type StoreLocks,
  type TouchResult,
} from 'nestjs-session-beans/store-kit';
import { setImmediate as nextTurn } from 'node:timers/promises';

export type StoreOperation = 'load' | 'save' | 'touch' | 'destroy' | 'supersede';

/**
 * Decides about each leg of a call, which passes when the promise resolves. A rejected `request` means that the store
 * never saw the call. A rejected `reply` means that the store saw it, and that the caller cannot know.
 */
export type Network = (leg: 'request' | 'reply', operation: StoreOperation) => Promise<void>;

/** A store that several servers share over a network. It counts its calls. */
export class RemoteStore implements SessionStore {
  readonly name = 'remote';
  readonly contract = 1;
  readonly shared: boolean = true;
  readonly calls: Record<StoreOperation, number> = { load: 0, save: 0, touch: 0, destroy: 0, supersede: 0 };

  constructor(
    readonly inner: SessionStore,
    public network: Network = async () => undefined,
  ) {}

  /** Locks are taken and released at once: tests are about what happens while one is held. */
  get locks(): StoreLocks | undefined {
    return this.inner.locks;
  }

  load(access: SessionAccess, options?: LoadOptions): Promise<LoadResult> {
    return this.pass('load', () => this.inner.load(access, options));
  }

  save(change: SessionChange): Promise<SaveResult> {
    return this.pass('save', () => this.inner.save(change));
  }

  touch(access: SessionAccess): Promise<TouchResult> {
    return this.pass('touch', () => this.inner.touch(access));
  }

  destroy(access: SessionAccess): Promise<DestroyResult> {
    return this.pass('destroy', () => this.inner.destroy(access));
  }

  supersede(access: ClientAccess): Promise<void> {
    return this.pass('supersede', () => this.inner.supersede(access));
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  private async pass<T>(operation: StoreOperation, call: () => T | Promise<T>): Promise<T> {
    this.calls[operation]++;
    await this.network('request', operation).catch((cause: Error) => {
      const failed = operation === 'supersede' ? 'save' : operation;
      throw new SessionStoreError({
        store: this.name,
        operation: failed,
        problem: cause.message,
        applied: false,
        cause,
      });
    });
    const result = await call();
    await this.network('reply', operation);
    return result;
  }
}

/**
 * A network that delays every leg by 0 to 3 turns of the event loop, in a seeded sequence.
 * @param lose share of legs that get lost, from 0 to 1
 */
export function randomNetwork(seed: number, lose = 0): Network {
  let state = seed;
  const random = (): number => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
  return async (leg, operation) => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await nextTurn();
    if (random() < lose) throw new Error(`the ${leg} of ${operation} was lost`);
  };
}
