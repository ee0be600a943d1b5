import {
  type ClientAccess,
  type DestroyResult,
  type LoadOptions,
  type LoadResult,
  type LockResult,
  type PrincipalPage,
  type PrincipalSessions,
  type SaveResult,
  type SessionAccess,
  type SessionChange,
  type SessionCreation,
  type SessionKey,
  type SessionRisk,
  type SessionStore,
  SessionStoreError,
  type StoreEpoch,
  type StoreLocks,
  type StorePrincipals,
  type TouchResult,
} from 'nestjs-session-beans/store-kit';
import type { Witness } from './copy/epoch.js';
import { Locators } from './copy/locators.js';
import { newSessionState, timesOfState } from './copy/session-state.js';
import { isTombstone } from './copy/tombstone.js';
import { beginSession } from './operations/begin-session.js';
import { endEra } from './operations/end-era.js';
import { limitedLoginOf, PlaceForLogin } from './operations/limited-login.js';
import { PrincipalList } from './operations/principal-list.js';
import type { Served } from './operations/primary.js';
import {
  destroyOperation,
  loadOperation,
  lockOperation,
  saveOperation,
  supersedeOperation,
  type SessionOperation,
  touchOperation,
  unlockOperation,
} from './operations/session-operations.js';
import type { ReplicatedSessionStoreOptions } from './options/replicated-session-store.options.js';
import { replicationRisks } from './options/replication-risks.js';
import { announceEnd, refuseCreation } from './protocol/handle-end.js';
import { checkReplica } from './protocol/handle-peek.js';
import { type ChangeAttempt, ReplicationFailure } from './protocol/replication-failure.js';
import { ReplicationNode } from './replication-node.js';

type Operation = SessionStoreError['operation'];

const ALL_KEYS: PrincipalPage = { limit: Infinity, parts: [] };

/**
 * Keeps sessions in the heaps of the application servers. Each session has a primary, which answers reads from memory,
 * and a copy on a backup, which has every change before it is acknowledged. Any server that is asked for a session
 * takes it over. No acknowledged change is lost while at most one server is down at a time.
 *
 * The client's cookie carries a locator: who has the session, and a witness of the newest state that the client was
 * shown. A server that cannot reach a state that new answers with 503, never with an older one.
 *
 * The store is bounded by number and by bytes. A full server gives up anonymous sessions that it serves and that nobody
 * came back to, or that are idle; if none may go, it refuses new ones with a {@link SessionStoreError}. The README of
 * the package lists the options.
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
  readonly contract = 1;
  readonly shared = true;
  readonly locates = true;

  readonly locks: StoreLocks = {
    acquire: (access, { token, leaseMs }) => this.acquire(access, token, leaseMs),
    release: (key, { token }) => this.release(key, token),
  };

  readonly principals: StorePrincipals = {
    list: (principal, page) => this.list(principal, page),
  };

  readonly epoch: StoreEpoch = {
    begin: () => this.failing('epoch', () => endEra(this.node.context)),
    read: () => this.node.context.eras.over || undefined,
  };

  private node: ReplicationNode;
  private readonly locators: Locators;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(private readonly options: ReplicatedSessionStoreOptions) {
    this.locators = new Locators(options.secret);
    this.node = new ReplicationNode(options, this.locators);
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

  filled(): number {
    return this.node.context.table.filled;
  }

  /** For metrics: the sizes, and the figures that show which sessions a further loss of a server would cost. */
  figures(): Readonly<Record<string, number>> {
    const { size: sessions, bytes, primaries, backups, alone, membersUp, consents } = this;
    const { evicted } = this.node.context.table;
    return { sessions, bytes, evicted, primaries, backups, alone, members_up: membersUp, consents: Number(consents) };
  }

  risks(): readonly SessionRisk[] {
    return replicationRisks(this.options, this.node.context.members.others);
  }

  /**
   * Joins the group; after `close()` as a new member that has no sessions yet, like a server that was started again.
   * @throws SessionConfigurationError when the list of members cannot be had, or does not include this server
   * @throws Error what the transport throws when it cannot listen
   */
  async open(): Promise<void> {
    if (this.node.isClosed) this.node = new ReplicationNode(this.options, this.locators);
    await this.node.open();
  }

  async load(access: SessionAccess, options: LoadOptions = {}): Promise<LoadResult> {
    const { context, primary } = this.node;
    const { key } = access;
    const witness = this.witnessOf(access, options.locator);
    const operation = loadOperation(access, options);
    const replica = primary.servable(key, witness);
    if (replica && !isTombstone(replica.state) && checkReplica(context, replica, operation.evidence) === 'granted') {
      const outcome = operation.onSession(replica.state, context.clock.now());
      if (!outcome.change) return this.locate(primary.served(outcome.answer(replica.state), replica));
    }
    return this.locate(await this.run('load', key, operation, witness));
  }

  /** @throws SessionStoreError when no copy can be made, or the owners of the session cannot be reached */
  async save(change: SessionChange): Promise<SaveResult> {
    const login = limitedLoginOf(change);
    if (!login) return this.saveUnlimited(change);
    const { context, primary } = this.node;
    const sessions = async (): Promise<SessionKey[]> => {
      const page = await new PrincipalList(context, primary, login.principal, ALL_KEYS).run();
      return page.sessions.map(({ key }) => key);
    };
    const place = new PlaceForLogin(context, login, this.node.newId(), sessions);
    return this.failing('save', () => place.save(() => this.saveUnlimited(change)));
  }

  private async saveUnlimited(change: SessionChange): Promise<SaveResult> {
    const operation = saveOperation(change);
    if (change.mode === 'create') {
      // A session with this key may have been begun by this very change.
      const again = { mayBeApplied: true };
      return (await this.begin(change)) ?? this.locate(await this.run('save', change.key, operation, undefined, again));
    }
    const { access, locator } = change;
    return this.locate(await this.run('save', access.key, operation, this.witnessOf(access, locator)));
  }

  async touch(access: SessionAccess): Promise<TouchResult> {
    return (await this.run('touch', access.key, touchOperation(access))).value;
  }

  async destroy(access: SessionAccess): Promise<DestroyResult> {
    const { key } = access;
    const { value } = await this.run('destroy', key, destroyOperation(access, this.node.newId()));
    const { result, isUnknown } = value;
    const { context } = this.node;
    if (result.outcome === 'ended') await announceEnd(context, key);
    else if (isUnknown) await refuseCreation(context, key);
    return result;
  }

  /** [I15] Members that do not answer are left out: requests with that id may start a session there. */
  async supersede({ key, proof }: ClientAccess): Promise<void> {
    const { value: isOver } = await this.run('load', key, supersedeOperation({ key, proof }));
    if (!isOver) return;
    const { members, calls, superseded, clock } = this.node.context;
    superseded.add(`${key} ${proof}`, clock.now());
    const message = { type: 'supersede', key, proof } as const;
    await Promise.all(members.others.map((peer) => calls.ask(peer, message).catch(() => undefined)));
  }

  /**
   * Hands the sessions of this server over to the others, for at most five seconds, then leaves the group. May be
   * called again.
   */
  async close(): Promise<void> {
    await this.node.close();
  }

  private list(principal: string, page: PrincipalPage): Promise<PrincipalSessions> {
    const { context, primary } = this.node;
    return this.failing('list', () => new PrincipalList(context, primary, principal, page).run());
  }

  private async acquire(access: SessionAccess, token: string, leaseMs: number): Promise<LockResult> {
    return (await this.run('lock', access.key, lockOperation(access, token, leaseMs))).value;
  }

  private async release(key: SessionKey, token: string): Promise<void> {
    await this.run('unlock', key, unlockOperation(token));
  }

  /**
   * Begins a new session.
   * @returns undefined when the key is known already
   */
  private async begin(change: SessionCreation): Promise<SaveResult | undefined> {
    const { key } = change;
    const { context, primary } = this.node;
    return this.failing('save', () =>
      context.queue.run(key, async (): Promise<SaveResult | undefined> => {
        const state = newSessionState(change, context.clock.now(), context.eras.current);
        const begun = await beginSession(context, primary.room, key, state);
        if (begun === 'exists') return undefined;
        const value: SaveResult = { outcome: 'saved', stamp: state.stamp, times: timesOfState(state) };
        return this.locate(primary.served(value, begun));
      }),
    );
  }

  private witnessOf(access: SessionAccess, locator: string | undefined): Witness | undefined {
    if (locator === undefined) return undefined;
    const known = this.node.context.table.get(access.key);
    const isKnown = known?.locator === locator && !isTombstone(known.state) && known.state.proof === access.proof;
    if (!isKnown) return this.locators.parse(access, locator);
    const { node, backup, counter, generation } = known;
    return { node, backup, counter, generation, from: 'client' };
  }

  private run<T>(
    operation: Operation,
    key: SessionKey,
    work: SessionOperation<T>,
    witness?: Witness,
    attempt: ChangeAttempt = { mayBeApplied: false },
  ): Promise<Served<T>> {
    const call = { key, operation: work, witness, isLenient: operation === 'load', attempt };
    return this.failing(operation, () => this.node.primary.run(call));
  }

  private async failing<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    try {
      if (!this.node.isOpen) throw new ReplicationFailure('it is not open');
      return await work();
    } catch (error) {
      if (!(error instanceof ReplicationFailure)) throw error;
      const { message: problem, mayBeApplied } = error;
      // A load asks for no change; it may have moved the end of life.
      const applied = mayBeApplied && operation !== 'load' ? 'unknown' : false;
      throw new SessionStoreError({ store: this.name, operation, problem, applied, cause: error });
    }
  }

  /** [P2] Adds to an answer where the session is. */
  private locate<T extends LoadResult | SaveResult>({ value, locator }: Served<T>): T {
    const tellsOfSession = ['found', 'unchanged', 'saved', 'conflict'].includes(value.outcome);
    return tellsOfSession && locator !== undefined ? { ...value, locator } : value;
  }
}
