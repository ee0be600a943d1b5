import {
  type LoadOptions,
  type LoadResult,
  type SaveResult,
  type SessionChange,
  type SessionKey,
  type SessionStore,
  SessionStoreError,
} from 'nestjs-session-beans/store-kit';
import { beginSession } from './operations/begin-session.js';
import {
  destroyOperation,
  loadOperation,
  lockOperation,
  saveOperation,
  type SessionOperation,
  touchOperation,
  unlockOperation,
} from './operations/session-operations.js';
import { isTombstone } from './copy/tombstone.js';
import { Locators } from './copy/locators.js';
import type { Owners } from './copy/epoch.js';
import type { Served } from './operations/primary.js';
import type { ReplicatedSessionStoreOptions } from './options/replicated-session-store.options.js';
import { announceEndOf } from './protocol/handle-end.js';
import { ReplicationFailure } from './protocol/replication-failure.js';
import { ReplicationNode } from './replication-node.js';
import { newSessionState, timesOfState } from './copy/session-state.js';

type Operation = SessionStoreError['operation'];

/**
 * Keeps sessions in the heaps of the application servers. Each session has a primary, which answers reads from memory,
 * and a copy on a backup, which has every change before it is acknowledged. Any server that is asked for a session
 * takes it over. No acknowledged change is lost while at most one server is down at a time.
 *
 * The client's cookie carries a locator: who has the session, and a witness of the newest state that the client was
 * shown. A server that cannot reach a state that new answers with 503, never with an older one.
 *
 * The store is bounded by number and by bytes. A full server refuses new sessions with a {@link SessionStoreError} and
 * keeps the living ones. The README of the package lists the options.
 *
 * @example
 * SessionModule.forRoot({
 *   store: new ReplicatedSessionStore({
 *     nodeName: 's1',
 *     members: [
 *       { name: 's1', host: '10.0.0.1', port: 7001 },
 *       { name: 's2', host: '10.0.0.2', port: 7001 },
 *     ],
 *     secret: process.env.REPLICATION_SECRET,
 *   }),
 * })
 */
export class ReplicatedSessionStore implements SessionStore {
  readonly name = 'replicated';
  readonly capabilities = { shared: true, locks: true, locates: true } as const;

  private readonly node: ReplicationNode;
  private readonly locators: Locators;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: ReplicatedSessionStoreOptions) {
    this.node = new ReplicationNode(options);
    this.locators = new Locators(options.secret);
  }

  /**
   * Sessions of which this server has a copy, including those that have expired and were not freed yet. For metrics.
   */
  get size(): number {
    return this.node.context.table.size;
  }

  /** Bytes kept now, counted as `maxBytes` is. For metrics. */
  get bytes(): number {
    return this.node.context.table.bytes;
  }

  /** Sessions that this server answers for. For metrics. */
  get primaries(): number {
    return this.node.context.table.primaries;
  }

  /** Copies that this server keeps for others. For metrics. */
  get backups(): number {
    return this.size - this.primaries;
  }

  /** Sessions that this server answers for and that have no second copy. For metrics. */
  get alone(): number {
    return this.node.context.table.alone;
  }

  /** Servers of the group that answer, this one included. For metrics. */
  get membersUp(): number {
    return 1 + this.node.context.members.others.filter(({ state }) => state === 'up').length;
  }

  /**
   * Whether this server is ready to consent to new owners: with `quorum`, once it has heard after its start what it had
   * granted before. Do not stop a server before all others are ready. Without `quorum` it is always ready. For metrics.
   */
  get consents(): boolean {
    return this.node.isOpen && (this.node.context.recovery?.isDone ?? true);
  }

  /** For metrics: the sizes, and the figures that show which sessions a further loss of a server would cost. */
  figures(): Readonly<Record<string, number>> {
    const { size: sessions, bytes, primaries, backups, alone, membersUp, consents } = this;
    return { sessions, bytes, primaries, backups, alone, members_up: membersUp, consents: Number(consents) };
  }

  /**
   * @throws SessionConfigurationError when the list of members cannot be had, or does not include this server
   * @throws Error what the transport throws when it cannot listen
   */
  async open(): Promise<void> {
    await this.node.open();
  }

  async load(key: SessionKey, options: LoadOptions = {}): Promise<LoadResult> {
    const { context, primary } = this.node;
    const witness = this.witnessOf(key, options.locator);
    const operation = loadOperation(options);
    const now = context.clock.now();
    const replica = primary.servable(key, witness);
    if (replica && !isTombstone(replica.state) && !replica.isExpired(now)) {
      const outcome = operation.onSession(replica.state, now);
      if (!outcome.change) return this.locate({ value: outcome.answer(replica.state), replica });
    }
    return this.locate(await this.run('load', key, operation, witness));
  }

  /** @throws SessionStoreError when no copy can be made, or the owners of the session cannot be reached */
  async save(change: SessionChange): Promise<SaveResult> {
    if (change.mode === 'create') {
      const begun = await this.begin(change);
      if (begun) return begun;
    }
    const witness = this.witnessOf(change.key, change.locator);
    return this.locate(await this.run('save', change.key, saveOperation(change), witness));
  }

  async touch(key: SessionKey): Promise<boolean> {
    return (await this.run('touch', key, touchOperation)).value;
  }

  async destroy(key: SessionKey, ifStamp?: string): Promise<boolean> {
    const { value } = await this.run('destroy', key, destroyOperation(ifStamp, this.node.newId()));
    if (value || ifStamp === undefined) await this.failing('destroy', () => announceEndOf(this.node.context, key));
    return value;
  }

  async lock(key: SessionKey, token: string, leaseMs: number): Promise<boolean> {
    return (await this.run('lock', key, lockOperation(token, leaseMs))).value;
  }

  async unlock(key: SessionKey, token: string): Promise<void> {
    await this.run('unlock', key, unlockOperation(token));
  }

  /**
   * Hands the sessions of this server over to the others, for at most five seconds, then leaves the group. May be
   * called again.
   */
  async close(): Promise<void> {
    await this.node.close();
  }

  /**
   * Begins a new session.
   * @returns undefined when the key is known already
   */
  private async begin(change: SessionChange): Promise<SaveResult | undefined> {
    const { key, lifetime } = change;
    const { context } = this.node;
    if (!lifetime) throw new SessionStoreError(this.name, 'save', 'a change of mode create carries no lifetime');
    return this.failing('save', () =>
      context.queue.run(key, async (): Promise<SaveResult | undefined> => {
        if (context.table.get(key)) return undefined;
        const state = newSessionState(change, lifetime, context.clock.now());
        const begun = await beginSession(context, key, state);
        if (begun === 'exists') return undefined;
        const value: SaveResult = { outcome: 'saved', stamp: state.stamp, times: timesOfState(state) };
        return this.locate({ value, replica: begun });
      }),
    );
  }

  private witnessOf(key: SessionKey, locator: string | undefined): Owners | undefined {
    const known = this.node.context.table.get(key);
    return known?.locator !== undefined && known.locator === locator ? known : this.locators.parse(key, locator);
  }

  private run<T>(
    operation: Operation,
    key: SessionKey,
    work: SessionOperation<T>,
    witness?: Owners,
  ): Promise<Served<T>> {
    return this.failing(operation, () => this.node.primary.run(key, witness, operation === 'load', work));
  }

  private async failing<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    try {
      if (!this.node.isOpen) throw new ReplicationFailure('it is not open');
      return await work();
    } catch (error) {
      if (!(error instanceof ReplicationFailure)) throw error;
      throw new SessionStoreError(this.name, operation, error.message, { cause: error });
    }
  }

  /** [P2] Adds to an answer where the session is. */
  private locate<T extends LoadResult | SaveResult>({ value, replica }: Served<T>): T {
    if (!replica || value.outcome === 'none' || value.outcome === 'gone' || value.outcome === 'unlocked') return value;
    replica.locator ??= this.locators.textOf(replica.key, replica);
    return { ...value, locator: replica.locator };
  }
}
