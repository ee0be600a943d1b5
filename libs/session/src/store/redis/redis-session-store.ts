import { randomBytes } from 'node:crypto';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from '../session-id.js';
import type { SessionRisk } from '../session-risk.js';
import type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  LockResult,
  SaveResult,
  ServerAnnouncement,
  SessionStore,
  StoreLocks,
  StoreNotices,
  TouchResult,
} from '../session-store.js';
import type { StoreEpoch, StorePrincipals } from '../store-principals.js';
import type { OwnClient, RedisClientPort, RedisConnection, RedisPort } from './clients/redis-port.js';
import { connectRedis } from './connect-redis.js';
import { PlainLoads } from './plain-loads.js';
import { LoginNote, RedisPrincipalIndex } from './principal-index.js';
import { RecordEdit } from './record-edit.js';
import { RecordCopy, timesOf } from './record-lines.js';
import { RedisMemory, isOutOfMemory } from './redis-memory.js';
import { RedisKeyNames } from './redis-key-names.js';
import { type RedisSessionStoreOptions, resolveRedisOptions } from './redis-session-store.options.js';
import { redisRisks, reportConnectionErrors } from './redis-risks.js';
import { ReplicaAcknowledgements } from './replica-acknowledgements.js';
import { RedisScriptArguments, shortHash } from './script-arguments.js';
import { CommandFailure, sendWithRetries } from './send-command.js';
import { ServerTime } from './server-time.js';
import { type Answer, type ScriptCall, SessionCalls } from './session-calls.js';
import { SessionTracking } from './tracking/session-tracking.js';
import type { TrackingPair } from './tracking/tracking-pair.js';

/** A save that meets another one in between is made again so often. Each time one of the others was stored. */
const MOST_ATTEMPTS = 100;

type Operation = SessionStoreError['operation'];

/**
 * Keeps sessions in Redis (7 or newer) or Valkey: any server can serve any request, and sessions outlive all servers of
 * the application. A session is one key, which expires by itself; all times are those of the Redis server.
 *
 * A load, a save and a destroy are one round trip and one atomic step each. A save is made here, from the copy that
 * came with the load or the save before, and is stored if the session still is that copy; if it is not, the server
 * answers with what it has, and the save is made again from that. A command may be sent again after a lost connection:
 * a repeated load does no harm, and the other scripts recognise a change that they have applied.
 *
 * When Redis is full (`maxmemory`, policy `noeviction`), new anonymous sessions are refused. Users who are logged in go
 * on, and so do logins, renewals and anonymous sessions that do not grow.
 *
 * While Redis is away, calls fail with an error that is answered with 503; the store reconnects by itself. `close()`
 * closes the connections that the store made, and is called when the application ends. `open()` makes them again.
 *
 * @example
 * SessionModule.forRoot({ store: new RedisSessionStore({ url: 'redis://127.0.0.1:6379' }) })
 *
 * @see docs/stores/redis.md
 */
export class RedisSessionStore implements SessionStore {
  readonly name = 'redis';
  readonly contract = 1;
  readonly shared = true;

  readonly locks: StoreLocks = {
    acquire: (access, { token, leaseMs }) => this.lock(access, token, leaseMs),
    release: (key, { token }) => this.unlock(key, token),
  };

  /**
   * With a subscriber, the store opens two more connections to each primary, with CLIENT TRACKING, and sends loads,
   * saves and touches through them. While that is not possible, the results carry no watch and everything else works.
   */
  readonly notices: StoreNotices = {
    subscribe: (onChange) => this.subscribe(onChange),
  };

  readonly principals: StorePrincipals = {
    list: (principal, page) => this.failing('list', this.index.list(principal, page)),
  };

  readonly epoch: StoreEpoch = {
    begin: () => this.failing('epoch', this.index.beginEpoch()),
    read: () => this.failing('epoch', this.index.readEpoch()),
  };

  private readonly client: RedisClientPort;

  /** The connection for changes. It is another one only with `durability`: WAIT would block the loads behind it. */
  private readonly writer: RedisClientPort;
  private readonly ownClients: OwnClient[] = [];
  private readonly names: RedisKeyNames;
  private readonly scriptArguments: RedisScriptArguments;
  private readonly calls: SessionCalls;
  private readonly plainLoads: PlainLoads;
  private readonly index: RedisPrincipalIndex;
  private readonly acknowledgements: ReplicaAcknowledgements | undefined;
  private readonly memory: RedisMemory;
  private readonly beatMs: number;
  private readonly warn: (warning: string) => void;
  private readonly stopReporting: (() => void) | undefined;
  private tracking: SessionTracking | undefined;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: RedisSessionStoreOptions) {
    const { client, url, prefix, maxRecordBytes, durability, beatMs, onWarning } = resolveRedisOptions(options);
    this.client = client ?? this.own(connectRedis(url as string));
    if (!durability) this.writer = this.client;
    else this.writer = this.own(url === undefined ? this.client.duplicate() : connectRedis(url));
    this.acknowledgements = durability && new ReplicaAcknowledgements(durability.replicas, durability.timeoutMs);
    // The servers of a cluster have times of their own.
    const time = this.client.isCluster ? undefined : new ServerTime();
    this.plainLoads = new PlainLoads(this.client, time, maxRecordBytes);
    const pairFor = (by: RedisPort, key: SessionKey): TrackingPair | undefined =>
      by === this.client ? this.tracking?.pairFor(key) : undefined;
    this.calls = new SessionCalls(pairFor, time, { prefix, maxRecordBytes });
    this.names = new RedisKeyNames(prefix, this.client.keyPrefix);
    this.scriptArguments = new RedisScriptArguments(this.names, maxRecordBytes);
    this.index = new RedisPrincipalIndex(this.client, this.writer, this.names);
    this.memory = new RedisMemory(this.client);
    this.beatMs = beatMs;
    this.warn = onWarning;
    this.stopReporting = client === undefined ? reportConnectionErrors(this.client, onWarning) : undefined;
  }

  /** Share of `maxmemory` that is in use, in a cluster on the fullest server; undefined where Redis has no limit. */
  filled(): number | undefined {
    return this.memory.filled;
  }

  async load(access: SessionAccess, options: LoadOptions = {}): Promise<LoadResult> {
    try {
      return (await this.loadPlainly(access, options)) ?? (await this.loadByScript(access, options));
    } catch (error) {
      throw this.failureOf('load', error);
    }
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const note = LoginNote.of(this.index, change);
    if (!note) return this.saveEdited(change);
    const result = await this.saveEdited(change, note);
    if (result.outcome !== 'saved') await this.failing('save', note.takeBack());
    return result;
  }

  private async saveEdited(change: SessionChange, note?: LoginNote): Promise<SaveResult> {
    const isCreation = change.mode === 'create';
    const short = shortHash(change.writeId);
    const copy = isCreation ? undefined : change.copy;
    const key = isCreation ? change.key : change.access.key;
    let edit: RecordEdit | undefined;
    if (isCreation) edit = RecordEdit.creation(change, short);
    // What the copy does not allow may be allowed by what is stored.
    else if (copy instanceof RecordCopy && copy.isOpenedBy(change.access)) {
      const made = RecordEdit.update(copy, change, short);
      if (typeof made === 'object') edit = made;
    }
    for (let attempt = 1; ; attempt++) {
      if (note && edit && !(await this.noting(note.mayBeSaved(edit)))) return { outcome: 'limit' };
      const { reply, watched } = await this.failing('save', this.runSave(key, change, short, edit));
      switch (reply.code) {
        case 'none':
          return { outcome: 'gone' };
        case 'superseded':
        case 'unlocked':
          return { outcome: reply.code };
        case 'saved': {
          const { stamp, times, copy: saved } = (edit as RecordEdit).savedAt(reply.now);
          return this.saved(key, { outcome: 'saved', stamp, times, copy: saved, ...watched });
        }
        case 'times': {
          const times = timesOf(reply.head, reply.expiresAt);
          return this.saved(key, { outcome: 'saved', stamp: reply.stamp, times, ...watched });
        }
        case 'record': {
          const { record } = reply;
          const conflict = { outcome: 'conflict', record, copy: reply.copy, ...watched } as const;
          const made = isCreation ? 'conflict' : RecordEdit.update(reply.copy, change, short);
          if (made === 'conflict' || attempt === MOST_ATTEMPTS) return conflict;
          if (made === 'damaged') throw this.calls.refusal('foreign');
          edit = made;
        }
      }
    }
  }

  async touch(access: SessionAccess): Promise<TouchResult> {
    const { key } = access;
    const args = this.scriptArguments.touch(access);
    const run: ScriptCall['run'] = (client) => client.run('sessionBeansLoad', args);
    const { reply } = await this.failing('touch', this.calls.run({ key, client: this.client, run, showsState: false }));
    return { outcome: reply.code === 'none' || reply.code === 'superseded' ? reply.code : 'touched' };
  }

  async destroy(access: SessionAccess): Promise<DestroyResult> {
    // The first answer may be lost. The script knows by the id that the repeated call is the same one.
    const args = this.scriptArguments.destroy(access, randomBytes(9).toString('base64url'));
    const outcome = await this.send('destroy', (writer) =>
      writer.runForText<DestroyResult['outcome']>('sessionBeansDestroy', args),
    );
    if (outcome === 'ended' && this.acknowledgements)
      await this.waitForReplicas(this.acknowledgements, access.key, 'destroy');
    return { outcome };
  }

  async supersede(access: ClientAccess): Promise<void> {
    const args = this.scriptArguments.supersede(access);
    await this.send('save', (writer) => writer.runForText('sessionBeansSupersede', args));
  }

  async announce(facts: string, keptMs: number): Promise<readonly ServerAnnouncement[]> {
    const told = await sendWithRetries(this.writer, () =>
      this.writer.runForText<string[]>('sessionBeansAnnounce', [this.names.servers, facts, keptMs]),
    );
    return told.flatMap((text, i) => (i % 2 === 0 ? [{ facts: text, ageMs: Number(told[i + 1]) }] : []));
  }

  risks(): Promise<readonly SessionRisk[]> {
    return redisRisks(this.client, this.names.session('0'));
  }

  /** Connects again after `close()`; before that the store is connected, or about to be, from its construction on. */
  async open(): Promise<void> {
    await Promise.all(this.ownClients.map((client) => client.open()));
  }

  async close(): Promise<void> {
    this.stopReporting?.();
    this.tracking?.close();
    this.tracking = undefined;
    for (const client of this.ownClients) client.close();
  }

  /** @returns undefined where the script has to be asked */
  private async loadPlainly(access: SessionAccess, options: LoadOptions): Promise<LoadResult | undefined> {
    const { plainLoads, tracking, names } = this;
    // A near cache must hear of later changes, and a caller with a copy needs no other one: both are for the script.
    if (tracking || options.known !== undefined || !plainLoads.arePossible) return undefined;
    return plainLoads.load(names.session(access.key), access, options);
  }

  private async loadByScript(access: SessionAccess, options: LoadOptions): Promise<LoadResult> {
    const args = this.scriptArguments.load(access, options);
    const run: ScriptCall['run'] = (client) => client.run('sessionBeansLoad', args);
    const { reply, watched } = await this.calls.run({ key: access.key, client: this.client, run });
    if (reply.code === 'record') {
      const { record, copy, now, hasChanged } = reply;
      const isConfirmed = record.confirmed || access.proof !== undefined;
      if (hasChanged && this.client.isCluster) void this.index.keep(access.key, record).catch(() => undefined);
      return { outcome: 'found', record, copy: hasChanged ? copy.touched(now, isConfirmed) : copy, ...watched };
    }
    if (reply.code === 'times')
      return { outcome: 'unchanged', times: timesOf(reply.head, reply.expiresAt), ...watched };
    return { outcome: reply.code === 'superseded' ? 'superseded' : 'none' };
  }

  /** @param edit undefined to ask for the session as it is stored */
  private async runSave(
    key: SessionKey,
    change: SessionChange,
    short: string,
    edit: RecordEdit | undefined,
  ): Promise<Answer> {
    const { writer, scriptArguments } = this;
    try {
      return await this.calls.run({
        key,
        client: writer,
        run: (client, isTracked) =>
          client.run('sessionBeansSave', scriptArguments.save(change, edit, short, isTracked)),
      });
    } catch (error) {
      // A look changes nothing.
      if (edit === undefined && error instanceof CommandFailure && error.mayHaveRun)
        throw new CommandFailure(error.cause, false);
      if (!isOutOfMemory(error)) throw error;
      // A login, and most changes of living sessions, are accepted nevertheless.
      const isAccepted = edit === undefined || edit.mayRunWhenFull;
      if (!isAccepted && change.mode === 'create') throw error;
      const answer = await this.calls.run({
        key,
        client: writer,
        run: (client, isTracked) =>
          client.run(
            'sessionBeansSaveWhenFull',
            scriptArguments.save(change, isAccepted ? edit : undefined, short, isTracked),
          ),
        earlier: error,
      });
      if (!isAccepted && answer.reply.code === 'record') throw error;
      return answer;
    }
  }

  /** A change is stored: waits for the replicas, where that was asked for. */
  private async saved(key: SessionKey, result: SaveResult): Promise<SaveResult> {
    if (this.acknowledgements) await this.waitForReplicas(this.acknowledgements, key, 'save');
    return result;
  }

  private async lock(access: SessionAccess, token: string, leaseMs: number): Promise<LockResult> {
    const args = this.scriptArguments.lock(access, token, leaseMs);
    return {
      outcome: await this.send('lock', (writer) => writer.runForText<LockResult['outcome']>('sessionBeansLock', args)),
    };
  }

  private async unlock(key: SessionKey, token: string): Promise<void> {
    await this.send('unlock', (writer) => writer.runForText('sessionBeansUnlock', [this.names.lock(key), token]));
  }

  /** Sends a change. @throws (rejects with) SessionStoreError */
  private send<T>(operation: Operation, command: (writer: RedisPort) => Promise<T>): Promise<T> {
    const { writer } = this;
    return this.failing(
      operation,
      sendWithRetries(writer, () => command(writer)),
    );
  }

  /** Where the index cannot be written, the save is not sent. */
  private noting<T>(work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      const unsent = error instanceof CommandFailure ? new CommandFailure(error.cause, false) : error;
      throw this.failureOf('save', unsent);
    });
  }

  private failing<T>(operation: Operation, work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw this.failureOf(operation, error);
    });
  }

  private failureOf(operation: Operation, error: unknown): unknown {
    if (!(error instanceof CommandFailure)) return error;
    const { message: problem, mayHaveRun, cause } = error;
    const applied = mayHaveRun && operation !== 'load' && operation !== 'list' ? 'unknown' : false;
    return new SessionStoreError({ store: this.name, operation, problem, applied, cause });
  }

  private subscribe(onChange: (key: SessionKey) => void): void {
    // With two near caches, neither would be told of a change that the other one made.
    if (this.tracking)
      throw new SessionConfigurationError(
        'RedisSessionStore: it has a near cache already; give each module a store of its own',
      );
    const { client, names, beatMs, warn } = this;
    this.tracking = new SessionTracking({ client, names, beatMs, onChange, warn });
  }

  private async waitForReplicas(
    acknowledgements: ReplicaAcknowledgements,
    key: SessionKey,
    operation: 'save' | 'destroy',
  ): Promise<void> {
    const { replicas, timeoutMs } = acknowledgements;
    const writer = this.writerFor(key);
    const count = writer ? await acknowledgements.count(writer) : 0;
    if (count >= replicas) return;
    // It stays, unless the primary is lost before its replicas have it, too.
    const problem = writer
      ? `only ${count} of ${replicas} replicas have it after ${timeoutMs} ms; the primary has`
      : 'the primary had it, and is not known any more, to ask about replicas';
    throw new SessionStoreError({ store: this.name, operation, problem, applied: 'unknown' });
  }

  /** The connection for changes of the session; undefined where the client knows no primary for it. */
  private writerFor(key: SessionKey): RedisConnection | undefined {
    const { writer, names } = this;
    const name = writer.primaryNameOf(writer.isCluster ? names.slot(key) : 0);
    return name === undefined ? undefined : writer.primaries().get(name);
  }

  private own(client: OwnClient): RedisClientPort {
    this.ownClients.push(client);
    return client.port;
  }
}
