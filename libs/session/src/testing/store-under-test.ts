import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import type { PartChange, SessionChange } from '../store/session-change.js';
import type { SessionKey } from '../store/session-id.js';
import type { SessionLifetime, SessionRecord, SessionTimes } from '../store/session-record.js';
import type { LoadOptions, SaveResult, SessionStore } from '../store/session-store.js';
import { DescribeSessionStoreOptions, type SessionStoreSetup } from './describe-session-store.options.js';
import { ManualClock } from './manual-clock.js';

/** Tests by title, which begins with the ids of their rules. Each test gets a store of its own. */
export type ContractRules = Readonly<Record<string, (on: StoreUnderTest) => Promise<void>>>;

/** A session of a test: its key, and its stamp when it was created. */
interface CreatedSession {
  readonly key: SessionKey;
  readonly stamp: string;
}

/** A fresh store, with the steps that the rules of the contract are written in. There is one per test. */
export class StoreUnderTest {
  private readonly setup: SessionStoreSetup = { clock: new ManualClock(), namespace: randomUUID() };
  private readonly opened: SessionStore[] = [];
  private readonly unitMs: number;

  /** How long sessions live, unless a test says otherwise: 10, 40 and 4 units. */
  readonly lifetime: SessionLifetime;

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
  }

  /** Makes and opens another store in the same namespace. The first one is `store`. */
  async open(): Promise<SessionStore> {
    const store = await this.create(this.setup);
    this.opened.push(store);
    await store.open?.();
    return store;
  }

  get store(): SessionStore {
    const [store] = this.opened;
    assert(store, 'open() comes first');
    return store;
  }

  /** The stores of two servers where the store is shared; otherwise twice the only one. */
  async servers(): Promise<readonly [SessionStore, SessionStore]> {
    return [this.store, this.store.capabilities.shared ? await this.open() : this.store];
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((store) => store.close()));
  }

  /** So many units, in ms. */
  units(n: number): number {
    return n * this.unitMs;
  }

  /** Lets time pass. */
  async pass(units: number): Promise<void> {
    const { advance } = this.options;
    if (advance) await advance(this.units(units));
    else this.setup.clock.advance(this.units(units));
  }

  newKey(): SessionKey {
    return randomBytes(32).toString('base64url');
  }

  creation(key: SessionKey, payloads: Readonly<Record<string, string>>, lifetime = this.lifetime): SessionChange {
    const parts = Object.entries(payloads).map(([name, payload]) => [name, { base: null, payload }] as const);
    return { key, writeId: this.newWriteId(), mode: 'create', lifetime, parts: new Map(parts) };
  }

  update(key: SessionKey, parts: Readonly<Record<string, PartChange>>, lifetime?: SessionLifetime): SessionChange {
    const change = { key, writeId: this.newWriteId(), mode: 'update', parts: new Map(Object.entries(parts)) } as const;
    return lifetime ? { ...change, lifetime } : change;
  }

  /** Creates a session. */
  async begin(
    payloads: Readonly<Record<string, string>> = { a: '1' },
    lifetime = this.lifetime,
  ): Promise<CreatedSession> {
    const key = this.newKey();
    const { stamp } = await this.saved(this.creation(key, payloads, lifetime));
    return { key, stamp };
  }

  /** Creates a session whose client has come back with the id once. */
  async beginJoined(payloads?: Readonly<Record<string, string>>): Promise<CreatedSession> {
    const begun = await this.begin(payloads);
    await this.found(begun.key, { touchAfterMs: 0 });
    return begun;
  }

  /** Creates a session that outlives the wait for the connections of a store. */
  beginLasting(payloads?: Readonly<Record<string, string>>): Promise<CreatedSession> {
    const ms = this.units(400);
    return this.begin(payloads, { idleTimeoutMs: ms, absoluteTimeoutMs: ms, unjoinedTimeoutMs: ms });
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
  async found(key: SessionKey, options?: LoadOptions): Promise<SessionRecord> {
    const result = await this.store.load(key, options);
    assert(result.outcome === 'found', `expected the session to be found, the answer was ${result.outcome}`);
    return result.record;
  }

  async assertNone(key: SessionKey): Promise<void> {
    assert.deepEqual(await this.store.load(key), { outcome: 'none' });
  }

  private newWriteId(): string {
    return randomBytes(12).toString('base64url');
  }
}

/** The times alone: a store may answer with a record where times are asked for. */
export function timesOf({ createdAt, lastAccessedAt, expiresAt, joined }: SessionTimes): SessionTimes {
  return { createdAt, lastAccessedAt, expiresAt, joined };
}
