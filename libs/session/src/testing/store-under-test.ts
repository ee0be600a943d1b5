import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type {
  PartChange,
  SessionChange,
  SessionCreation,
  SessionRenewal,
  SessionUpdate,
} from '../store/session-change.js';
import {
  type ClientAccess,
  type SessionAccess,
  accessOf,
  generateSessionId,
  renewedSessionId,
} from '../store/session-id.js';
import type { SessionLifetime, SessionRecord, SessionTimes } from '../store/session-record.js';
import type { LoadOptions, SaveResult, SessionStore } from '../store/session-store.js';
import { DescribeSessionStoreOptions, type SessionStoreSetup } from './describe-session-store.options.js';
import { ManualClock } from './manual-clock.js';

/** Tests by title, which begins with the ids of their rules. Each test gets a store of its own. */
export type ContractRules = Readonly<Record<string, (on: StoreUnderTest) => Promise<void>>>;

/** A session of a test, as the client knows it that has its present id. */
export interface BegunSession {
  readonly access: ClientAccess;

  /** Of the save that created the session or gave it this id. */
  readonly stamp: string;
}

type Payloads = Readonly<Record<string, string>>;
type PartChanges = Readonly<Record<string, PartChange>>;
type NewSession = Partial<Pick<SessionCreation, 'lifetime' | 'principal'>>;
type NewIdentity = Omit<SessionRenewal, 'proof'> & Pick<SessionUpdate, 'lifetime'> & { readonly parts?: PartChanges };

/** A fresh store, with the steps that the rules of the contract are written in. There is one per test. */
export class StoreUnderTest {
  private readonly setup: SessionStoreSetup = { clock: new ManualClock(), namespace: randomUUID() };
  private readonly opened: SessionStore[] = [];
  private readonly unitMs: number;

  /** How long sessions live, unless a test says otherwise: 10, 40 and 4 units. */
  readonly lifetime: SessionLifetime;

  /** Outlives the wait for the connections of a store. */
  readonly longLifetime: SessionLifetime;

  constructor(
    private readonly create: (setup: SessionStoreSetup) => SessionStore | Promise<SessionStore>,
    private readonly options: DescribeSessionStoreOptions,
  ) {
    this.unitMs = options.unitMs ?? (new DescribeSessionStoreOptions().unitMs as number);
    this.lifetime = {
      idleTimeoutMs: this.units(10),
      absoluteTimeoutMs: this.units(40),
      unjoinedTimeoutMs: this.units(4),
    };
    const ms = this.units(400);
    this.longLifetime = { idleTimeoutMs: ms, absoluteTimeoutMs: ms, unjoinedTimeoutMs: ms };
  }

  /** Makes and opens another store in the same namespace. The first one is `store`. */
  async open(create = this.create): Promise<SessionStore> {
    const store = await create(this.setup);
    this.opened.push(store);
    await store.open?.();
    return store;
  }

  get store(): SessionStore {
    const [store] = this.opened;
    assert(store, 'open() comes first');
    return store;
  }

  /** The stores of two servers that may call at the same time, where the store is for that; else twice the only one. */
  async servers(): Promise<readonly [SessionStore, SessionStore]> {
    const { shared, updates } = this.store;
    return [this.store, shared && updates !== 'per-server' ? await this.open() : this.store];
  }

  /** A store that a test can fill; undefined where the options have none. */
  async small(): Promise<SessionStore | undefined> {
    const { createSmall } = this.options;
    return createSmall && this.open(createSmall);
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map(async (store) => store.close()));
  }

  /** So many units, in whole ms. */
  units(n: number): number {
    return Math.round(n * this.unitMs);
  }

  /** Lets time pass. */
  async pass(units: number): Promise<void> {
    const { advance } = this.options;
    if (advance) await advance(this.units(units));
    else this.setup.clock.advance(this.units(units));
  }

  /** Whether minutes may pass in a test: not where it waits for them. */
  get hasMinutes(): boolean {
    return this.unitMs >= 60_000;
  }

  /** The name of a user whom only this test has: tests may share the sessions of a store. */
  user(name: string): string {
    return `${name} ${this.setup.namespace}`;
  }

  /** Access with an id that no session has. */
  newAccess(): ClientAccess {
    return accessOf(generateSessionId());
  }

  /** Access with another id of the same session. No session has that id before a renewal gives it one. */
  otherIdOf({ key }: SessionAccess): ClientAccess {
    return accessOf(renewedSessionId(key));
  }

  creation(
    { key, proof }: ClientAccess,
    payloads: Payloads,
    { lifetime = this.lifetime, principal }: NewSession = {},
  ): SessionCreation {
    const parts = Object.entries(payloads).map(([name, payload]) => [name, { base: null, payload }] as const);
    return { mode: 'create', key, proof, principal, writeId: newWriteId(), lifetime, parts: new Map(parts) };
  }

  update(access: SessionAccess, parts: PartChanges, lifetime?: SessionLifetime): SessionUpdate {
    return { mode: 'update', access, writeId: newWriteId(), lifetime, parts: new Map(Object.entries(parts)) };
  }

  /** The change that gives the session the id of `to`. */
  renewal(
    access: SessionAccess,
    to: ClientAccess,
    { parts = {}, lifetime, ...login }: NewIdentity = {},
  ): SessionUpdate {
    return { ...this.update(access, parts, lifetime), renewal: { proof: to.proof, ...login } };
  }

  /** Creates a session. */
  async begin(payloads: Payloads = { a: '1' }, session?: NewSession): Promise<BegunSession> {
    const access = this.newAccess();
    const { stamp } = await this.saved(this.creation(access, payloads, session));
    return { access, stamp };
  }

  /** Creates a session whose client has come back with the id once. */
  async beginJoined(payloads?: Payloads, session?: NewSession): Promise<BegunSession> {
    const begun = await this.begin(payloads, session);
    await this.found(begun.access, { touchAfterMs: 0 });
    return begun;
  }

  beginLasting(payloads?: Payloads): Promise<BegunSession> {
    return this.begin(payloads, { lifetime: this.longLifetime });
  }

  /** Gives a session a new id. */
  async renew(access: SessionAccess, identity?: NewIdentity, store = this.store): Promise<BegunSession> {
    const renewed = this.otherIdOf(access);
    const { stamp } = await this.saved(this.renewal(access, renewed, identity), store);
    return { access: renewed, stamp };
  }

  /** Saves a change, which has to be applied. */
  async saved(change: SessionChange, store = this.store): Promise<Extract<SaveResult, { outcome: 'saved' }>> {
    const result = await store.save(change);
    assert(result.outcome === 'saved', `expected the ${change.mode} to be saved, the answer was ${result.outcome}`);
    return result;
  }

  /** Saves a change, which has to be refused. Returns the record that the answer brings. */
  async conflicting(change: SessionChange): Promise<SessionRecord> {
    const result = await this.store.save(change);
    assert(result.outcome === 'conflict', `expected a conflict, the answer was ${result.outcome}`);
    return result.record;
  }

  /** Loads a session, which has to be there. */
  async found(access: SessionAccess, options?: LoadOptions, store = this.store): Promise<SessionRecord> {
    const result = await store.load(access, options);
    assert(result.outcome === 'found', `expected the session to be found, the answer was ${result.outcome}`);
    return result.record;
  }

  async assertNone(access: SessionAccess): Promise<void> {
    assert.deepEqual(await this.store.load(access), { outcome: 'none' });
  }

  async assertSuperseded(access: SessionAccess): Promise<void> {
    assert.deepEqual(await this.store.load(access), { outcome: 'superseded' });
  }
}

function newWriteId(): string {
  return randomBytes(12).toString('base64url');
}

/** The times alone: a store may answer with a record where times are asked for. */
export function timesOf(times: SessionTimes): SessionTimes {
  const { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed } = times;
  return { createdAt, authenticatedAt, lastAccessedAt, expiresAt, joined, confirmed };
}
