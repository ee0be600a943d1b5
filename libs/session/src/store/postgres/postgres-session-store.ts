import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import type { SessionStoreError } from '../../errors/session-store.error.js';
import type { SessionChange, SessionCreation, SessionUpdate } from '../session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from '../session-id.js';
import type { SessionRecord } from '../session-record.js';
import type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  LockResult,
  SaveResult,
  ServerAnnouncement,
  SessionStore,
  SessionWatch,
  StoreLocks,
  StoreNotices,
  TouchResult,
} from '../session-store.js';
import { firstPageOf, placeAfter } from '../principal-page.js';
import type { PrincipalPage, PrincipalSessions, StoreEpoch, StorePrincipals } from '../store-principals.js';
import { type FunctionCall, PostgresCalls } from './postgres-calls.js';
import { PostgresNotices } from './postgres-notices.js';
import {
  type PostgresAnswer,
  PostgresCopy,
  partsArgument,
  recordOf,
  storableText,
  storedParts,
  timesOf,
} from './postgres-record.js';
import {
  type PostgresConnection,
  type PostgresPool,
  type PostgresSessionStoreOptions,
  type ResolvedPostgresOptions,
  resolvePostgresOptions,
} from './postgres-session-store.options.js';
import { preparePostgres } from './prepare-postgres.js';

const SWEEP_INTERVAL_MS = 60_000;
const SWEPT_AT_ONCE = 1_000;

/** Of the store's own pool. A connection that hangs is given up after it; the request was answered before. */
const CONNECT_MS = 2_000;
const QUERY_MS = 5_000;

type Operation = SessionStoreError['operation'];

/** An answer, and a field for the result where this server is told about changes by others. */
interface Watched {
  readonly answer: PostgresAnswer;
  readonly watched: { readonly watch: SessionWatch } | undefined;
}

/**
 * Keeps sessions in PostgreSQL (13 or newer): any server can serve any request, and sessions outlive all servers of the
 * application. A session is one row; all times are those of the database.
 *
 * A load, a save and a destroy are one statement and one round trip each: functions in the database, which `open()`
 * makes. A call may be sent again after a lost connection; the functions recognise a change that they have applied.
 *
 * While the database is away, calls fail with an error that is answered with 503, and go on when it is back. `close()`
 * closes the pool that the store made. `open()` makes it again.
 *
 * @example
 * SessionModule.forRoot({ store: new PostgresSessionStore({ url: 'postgres://shop:password@db/shop' }) })
 *
 * @see docs/stores/postgres.md
 */
export class PostgresSessionStore implements SessionStore {
  readonly name = 'postgres';
  readonly contract = 1;
  readonly shared = true;

  readonly locks: StoreLocks = {
    acquire: (access, { token, leaseMs }) => this.lock(access, token, leaseMs),
    release: async (key, { token }) => void (await this.call('unlock', ['unlock', [key, token]])),
  };

  /** With a subscriber, the store keeps one more connection, which listens. */
  readonly notices: StoreNotices = {
    subscribe: (onChange) => this.subscribe(onChange),
  };

  readonly principals: StorePrincipals = {
    list: (principal, page) => this.list(principal, page),
  };

  readonly epoch: StoreEpoch = {
    begin: async () => Number(await this.call('epoch', ['epoch', [true]])),
    read: async () => Number(await this.call('epoch', ['epoch', [false]])) || undefined,
  };

  /** Names this server in notices. */
  private readonly origin = randomBytes(9).toString('base64url');
  private readonly options: ResolvedPostgresOptions;
  private ownPool: pg.Pool | undefined;
  private calls: PostgresCalls | undefined;
  private prepared: Promise<void> | undefined;
  private sweeping: NodeJS.Timeout | undefined;
  private onChange: ((key: SessionKey) => void) | undefined;
  private listening: PostgresNotices | undefined;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: PostgresSessionStoreOptions) {
    this.options = resolvePostgresOptions(options);
  }

  /**
   * Makes the pool, and the tables if they are missing. A database that is away does not end the boot: the tables are
   * looked at with the first call then.
   * @throws SessionConfigurationError when the database is there and cannot be used
   */
  async open(): Promise<void> {
    const { pool, url, table, maxConnections, onWarning } = this.options;
    if (!pool) this.ownPool ??= newPool(url as string, maxConnections);
    this.calls ??= new PostgresCalls(this.pool, table);
    this.sweeping ??= setInterval(() => void this.sweep().catch(() => undefined), SWEEP_INTERVAL_MS).unref();
    this.listen();
    try {
      await this.prepare();
    } catch (error) {
      if (error instanceof SessionConfigurationError) throw error;
      onWarning(`the database is away, and requests with a session are answered with 503: ${(error as Error).message}`);
    }
  }

  async close(): Promise<void> {
    clearInterval(this.sweeping);
    this.sweeping = undefined;
    this.listening?.close();
    this.listening = undefined;
    this.prepared = undefined;
    this.calls = undefined;
    const pool = this.ownPool;
    this.ownPool = undefined;
    await pool?.end();
  }

  async load(access: SessionAccess, { known, touchAfterMs }: LoadOptions = {}): Promise<LoadResult> {
    const { key, proof, logins } = access;
    const values = [key, proof, logins, known, touchAfterMs, this.origin];
    const { answer, watched } = await this.watchedCall('load', ['load', values]);
    switch (answer.outcome) {
      case 'found':
        return { outcome: 'found', ...withCopy(key, recordOf(answer)), ...watched };
      case 'unchanged':
        return { outcome: 'unchanged', times: timesOf(answer), ...watched };
      default:
        return { outcome: answer.outcome as 'none' | 'superseded' };
    }
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const base = change.mode === 'update' ? baseOf(change) : PostgresCopy.none(change.key);
    const { answer, watched } = await (change.mode === 'create' ? this.create(change) : this.update(change, base));
    switch (answer.outcome) {
      case 'saved': {
        const stamp = answer.stamp as string;
        // Any other save was made from something else than the copy.
        const copy = stamp === base?.stampAfter(change.writeId) ? base.changed(change.parts, stamp) : undefined;
        return { outcome: 'saved', stamp, times: timesOf(answer), ...(copy && { copy }), ...watched };
      }
      case 'conflict': {
        const { key } = change.mode === 'update' ? change.access : change;
        return { outcome: 'conflict', ...withCopy(key, recordOf(answer)), ...watched };
      }
      default:
        return { outcome: answer.outcome as 'gone' | 'unlocked' | 'superseded' | 'limit' };
    }
  }

  async touch({ key, proof, logins }: SessionAccess): Promise<TouchResult> {
    const answer = await this.call('touch', ['touch', [key, proof, logins, this.origin]]);
    return { outcome: this.answerOf(answer).outcome as TouchResult['outcome'] };
  }

  async destroy({ key, proof, logins }: SessionAccess): Promise<DestroyResult> {
    // The first answer may be lost. The function knows by this name that the repeated call is the same one.
    const call = randomBytes(9).toString('base64url');
    const answer = await this.call('destroy', ['destroy', [key, proof, logins, call, this.origin]]);
    return { outcome: this.answerOf(answer).outcome as DestroyResult['outcome'] };
  }

  async supersede({ key, proof }: ClientAccess): Promise<void> {
    await this.call('save', ['supersede', [key, proof]]);
  }

  async announce(facts: string, keptMs: number): Promise<readonly ServerAnnouncement[]> {
    return JSON.parse(await this.call('save', ['announce', [facts, keptMs]])) as ServerAnnouncement[];
  }

  /** Deletes what has expired, in slices. Called every minute; servers that sweep at once share the work. */
  async sweep(): Promise<void> {
    let swept = SWEPT_AT_ONCE;
    while (swept === SWEPT_AT_ONCE && this.calls) {
      swept = Number(await this.call('save', ['sweep', [SWEPT_AT_ONCE, this.origin]]));
    }
  }

  private async list(principal: string, page: PrincipalPage): Promise<PrincipalSessions> {
    const { at, key } = placeAfter(page) ?? {};
    // One more shows whether there is another page.
    const values = [storableText(principal), page.limit + 1, at, key, page.parts.map(storableText)];
    const rows = JSON.parse(await this.call('list', ['list', values])) as [key: SessionKey, answer: PostgresAnswer][];
    const sessions = rows.map(([found, answer]) => ({ key: found, record: recordOf(answer) }));
    return firstPageOf(sessions, page);
  }

  private create({ key, proof, principal, writeId, parts, lifetime, mostSessions }: SessionCreation): Promise<Watched> {
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime;
    const user = principal === undefined ? undefined : storableText(principal);
    const limits = [idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs, mostSessions];
    return this.watchedCall('save', ['create', [key, proof, user, writeId, partsArgument(parts), ...limits]]);
  }

  /** @param base the session that the change was made from, where that is known */
  private update(change: SessionUpdate, base: PostgresCopy | undefined): Promise<Watched> {
    const { access, writeId, parts, lock, lifetime, renewal } = change;
    const { key, proof, logins } = access;
    const { idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs } = lifetime ?? {};
    const user = renewal?.principal === undefined ? undefined : storableText(renewal.principal);
    const caller = [key, proof, logins, writeId, partsArgument(parts), lock];
    const timeouts = [idleTimeoutMs, absoluteTimeoutMs, unjoinedTimeoutMs];
    const keep = renewal?.keep?.map(storableText);
    const renewed = [renewal?.proof, user, keep, this.origin, renewal?.mostSessions];
    const values = [...caller, ...timeouts, ...renewed];
    if (!base) return this.watchedCall('save', ['update', values]);
    const stamp = base.stampAfter(writeId);
    const replacing = [key, proof, base.stamp, stamp, ...storedParts(parts, stamp), this.origin];
    return this.watchedCall('save', ['replace', replacing], ['update', values]);
  }

  private async lock({ key, proof, logins }: SessionAccess, token: string, leaseMs: number): Promise<LockResult> {
    const answer = await this.call('lock', ['lock', [key, proof, logins, token, Math.ceil(leaseMs)]]);
    return { outcome: this.answerOf(answer).outcome as LockResult['outcome'] };
  }

  /** The watch is that of the moment before the call: from then on each change is told. */
  private async watchedCall(operation: Operation, first: FunctionCall, then?: FunctionCall): Promise<Watched> {
    const watch = this.listening?.watch;
    const answer = this.answerOf(await this.call(operation, first, then));
    return { answer, watched: watch && { watch } };
  }

  private async call(operation: Operation, first: FunctionCall, then?: FunctionCall): Promise<string> {
    const { calls } = this;
    if (!calls) throw new Error('the store is closed');
    await (this.prepared ?? this.prepare());
    return calls.call(operation, first, then);
  }

  private answerOf(text: string): PostgresAnswer {
    const answer = JSON.parse(text) as PostgresAnswer;
    if (answer.outcome !== 'newer') return answer;
    throw new SessionStateError(
      'the stored session',
      'was written by a newer release of nestjs-session-beans; it is left as it is; update this server',
      { reason: 'newer-version' },
    );
  }

  private prepare(): Promise<void> {
    this.prepared ??= preparePostgres(this.pool, this.options).then(
      (isDirect) => {
        if (this.calls) this.calls.keepsStatements = isDirect;
      },
      (error: unknown) => {
        this.prepared = undefined;
        throw error;
      },
    );
    return this.prepared;
  }

  private get pool(): PostgresPool {
    return this.options.pool ?? (this.ownPool as pg.Pool);
  }

  private subscribe(onChange: (key: SessionKey) => void): void {
    // With two near caches, neither would be told of a change that the other one made.
    if (this.onChange)
      throw new SessionConfigurationError(
        'PostgresSessionStore: it has a near cache already; give each module a store of its own',
      );
    this.onChange = onChange;
    this.listen();
  }

  private listen(): void {
    const { onChange, origin, calls } = this;
    if (!onChange || !calls || this.listening) return;
    const { table, beatMs, onWarning: warn } = this.options;
    const connect = async (): Promise<PostgresConnection> => {
      await this.prepare();
      return this.connectDirectly();
    };
    this.listening = new PostgresNotices({ connect, table, origin, beatMs, onChange, warn });
  }

  private async connectDirectly(): Promise<PostgresConnection> {
    const { directUrl } = this.options;
    if (directUrl === undefined) return this.pool.connect();
    const direct = newPool(directUrl, 1);
    const connection = await direct.connect();
    connection.on('end', () => void direct.end());
    return connection;
  }
}

/** @returns undefined where the function for all updates has to be asked at once */
function baseOf({ access, parts, lock, lifetime, renewal, copy }: SessionUpdate): PostgresCopy | undefined {
  const isUsual = access.proof !== undefined && lock === undefined && !lifetime && !renewal;
  return isUsual && copy instanceof PostgresCopy && copy.isBaseOf(access.key, parts) ? copy : undefined;
}

function withCopy(key: SessionKey, record: SessionRecord): { record: SessionRecord; copy: PostgresCopy } {
  return { record, copy: PostgresCopy.of(key, record) };
}

function newPool(connectionString: string, max: number): pg.Pool {
  const pool = new pg.Pool({
    connectionString,
    max,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: QUERY_MS,
    keepAlive: true,
    allowExitOnIdle: true,
    application_name: 'nestjs-session-beans',
  });
  // An idle connection that is lost is replaced. Requests get errors of their own.
  pool.on('error', () => undefined);
  return pool;
}
