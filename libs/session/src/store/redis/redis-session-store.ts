import { randomBytes } from 'node:crypto';
import { Cluster, type Redis } from 'ioredis';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { SessionStateError } from '../../errors/session-state.error.js';
import { SessionStoreError } from '../../errors/session-store.error.js';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from '../session-id.js';
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
import { OwnClients, connectRedis } from './connect-redis.js';
import { type RedisClient, type ScriptArguments, type ScriptedClient, defineScripts } from './redis-client.js';
import { primaryNameOf, primaryNamed } from './redis-cluster.js';
import { RedisMemory, isOutOfMemory } from './redis-memory.js';
import { RedisKeyNames } from './redis-key-names.js';
import { type RedisReply, parseRedisReply } from './redis-reply.js';
import { type RedisSessionStoreOptions, resolveRedisOptions } from './redis-session-store.options.js';
import { ReplicaAcknowledgements } from './replica-acknowledgements.js';
import { RedisScriptArguments } from './script-arguments.js';
import { CommandFailure, type EarlierAttempt, sendWithRetries } from './send-command.js';
import { SessionScript } from './session-script.js';
import { SessionTracking } from './tracking/session-tracking.js';
import type { TrackingPair } from './tracking/tracking-pair.js';
import { warnAboutRedis } from './warn-about-redis.js';

type Operation = SessionStoreError['operation'];

/** How to run a script. */
interface ScriptCall {
  /** Whether the caller learns from the answer what the session is now. Default true. */
  readonly showsState?: boolean;

  /** Whether the call may be sent in one command with others. Default true. */
  readonly mayBatch?: boolean;

  /** With `mayBatch: false` only. */
  readonly earlier?: EarlierAttempt;
}

/** An answer of the load or the save script that is none of the errors. */
interface Answer {
  readonly reply: Exclude<RedisReply, { code: 'too-large' | 'foreign' | 'newer' }>;

  /** A field for the result of the load or save, where this server is told about changes by others. */
  readonly watched: { readonly watch: SessionWatch } | undefined;
}

/**
 * Keeps sessions in Redis (7 or newer) or Valkey: any server can serve any request, and sessions outlive all servers of
 * the application. A session is one hash, which expires by itself; all times are those of the Redis server.
 *
 * A load, a save and a destroy are one round trip and one atomic script each. The loads of one turn of the event loop
 * share a round trip, and so do the saves. A command may be sent again after a lost connection: a repeated load does no
 * harm, and the other scripts recognise a change that they have applied.
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

  private readonly client: ScriptedClient;

  /** The connection for changes. It is another one only with `durability`: WAIT would block the loads behind it. */
  private readonly writer: ScriptedClient;
  private readonly loading: SessionScript;
  private readonly saving: SessionScript;
  private readonly savingWhenFull: SessionScript;
  private readonly ownClients = new OwnClients();
  private readonly names: RedisKeyNames;
  private readonly scriptArguments: RedisScriptArguments;
  private readonly maxRecordBytes: number;
  private readonly acknowledgements: ReplicaAcknowledgements | undefined;
  private readonly memory: RedisMemory;
  private readonly beatMs: number;
  private readonly warn: (warning: string) => void;
  private readonly stopWarning: () => void;
  private tracking: SessionTracking | undefined;

  /** @throws SessionConfigurationError when an option cannot work */
  constructor(options: RedisSessionStoreOptions) {
    const { client, url, prefix, maxRecordBytes, durability, beatMs, onWarning } = resolveRedisOptions(options);
    this.client = defineScripts(client ?? this.ownClients.add(connectRedis(url as string)));
    this.writer = durability ? defineScripts(this.ownClients.add((this.client as Redis).duplicate())) : this.client;
    this.acknowledgements = durability && new ReplicaAcknowledgements(durability.replicas, durability.timeoutMs);
    this.loading = new SessionScript('load', this.client, onWarning);
    this.saving = new SessionScript('save', this.writer, onWarning);
    this.savingWhenFull = new SessionScript('saveWhenFull', this.writer, onWarning);
    this.names = new RedisKeyNames(prefix, this.client);
    this.scriptArguments = new RedisScriptArguments(this.names, maxRecordBytes);
    this.maxRecordBytes = maxRecordBytes;
    this.memory = new RedisMemory(this.client);
    this.beatMs = beatMs;
    this.warn = onWarning;
    this.stopWarning = warnAboutRedis(this.client, this.names.session('0'), client === undefined, onWarning);
  }

  /** Share of `maxmemory` that is in use, in a cluster on the fullest server; undefined where Redis has no limit. */
  filled(): number | undefined {
    return this.memory.filled;
  }

  load(access: SessionAccess, options: LoadOptions = {}): Promise<LoadResult> {
    const args = this.scriptArguments.load(access, options);
    return this.runScript(access.key, this.loading, args).then(loadResultOf, (error: unknown) => {
      throw this.failureOf('load', error);
    });
  }

  async save(change: SessionChange): Promise<SaveResult> {
    const isCreation = change.mode === 'create';
    const { key } = isCreation ? change : change.access;
    const { reply, watched } = await this.failing('save', this.runSave(key, change));
    if (reply.code === 'none') return { outcome: 'gone' };
    if (reply.code === 'record') return { outcome: 'conflict', record: reply.record, ...watched };
    if (reply.code !== 'times') return { outcome: reply.code };
    if (this.acknowledgements) await this.waitForReplicas(this.acknowledgements, key, 'save');
    return { outcome: 'saved', stamp: reply.stamp as string, times: reply.times, ...watched };
  }

  async touch(access: SessionAccess): Promise<TouchResult> {
    const args = this.scriptArguments.touch(access);
    const touching = this.runScript(access.key, this.loading, args, { showsState: false });
    const { reply } = await this.failing('touch', touching);
    return { outcome: reply.code === 'none' || reply.code === 'superseded' ? reply.code : 'touched' };
  }

  async destroy(access: SessionAccess): Promise<DestroyResult> {
    // The first answer may be lost. The script knows by the id that the repeated call is the same one.
    const args = this.scriptArguments.destroy(access, randomBytes(9).toString('base64url'));
    const outcome = await this.send('destroy', (writer) => writer.sessionBeansDestroy(...args));
    if (outcome === 'ended' && this.acknowledgements)
      await this.waitForReplicas(this.acknowledgements, access.key, 'destroy');
    return { outcome };
  }

  async supersede(access: ClientAccess): Promise<void> {
    const args = this.scriptArguments.supersede(access);
    await this.send('save', (writer) => writer.sessionBeansSupersede(...args));
  }

  async announce(facts: string, keptMs: number): Promise<readonly ServerAnnouncement[]> {
    const told = await sendWithRetries(this.writer, () =>
      this.writer.sessionBeansAnnounce(this.names.servers, facts, keptMs),
    );
    return told.flatMap((text, i) => (i % 2 === 0 ? [{ facts: text, ageMs: Number(told[i + 1]) }] : []));
  }

  /** Connects again after `close()`; before that the store is connected, or about to be, from its construction on. */
  async open(): Promise<void> {
    await this.ownClients.open();
  }

  async close(): Promise<void> {
    this.stopWarning();
    this.tracking?.close();
    this.tracking = undefined;
    this.ownClients.close();
  }

  private async runSave(key: SessionKey, change: SessionChange): Promise<Answer> {
    const args = this.scriptArguments.save(change);
    const isCreation = change.mode === 'create';
    // In a batch, a server that is the wrong one for the key would keep the session that is created. Renewals are rare.
    const mayBatch = !isCreation && change.renewal === undefined;
    try {
      return await this.runScript(key, this.saving, args, { mayBatch });
    } catch (error) {
      // A login, and most changes of living sessions, are accepted nevertheless.
      const isRefused = isCreation && change.principal === undefined;
      if (isRefused || !isOutOfMemory(error)) throw error;
      return this.runScript(key, this.savingWhenFull, args, { mayBatch: false, earlier: error });
    }
  }

  private async lock(access: SessionAccess, token: string, leaseMs: number): Promise<LockResult> {
    const args = this.scriptArguments.lock(access, token, leaseMs);
    return { outcome: await this.send('lock', (writer) => writer.sessionBeansLock(...args)) };
  }

  private async unlock(key: SessionKey, token: string): Promise<void> {
    await this.send('unlock', (writer) => writer.sessionBeansUnlock(this.names.lock(key), token));
  }

  /** Sends a change. @throws (rejects with) SessionStoreError */
  private send<T>(operation: Operation, command: (writer: ScriptedClient) => Promise<T>): Promise<T> {
    const { writer } = this;
    return this.failing(
      operation,
      sendWithRetries(writer, () => command(writer)),
    );
  }

  private failing<T>(operation: Operation, work: Promise<T>): Promise<T> {
    return work.catch((error: unknown) => {
      throw this.failureOf(operation, error);
    });
  }

  private failureOf(operation: Operation, error: unknown): unknown {
    if (!(error instanceof CommandFailure)) return error;
    const { message: problem, mayHaveRun, cause } = error;
    const applied = mayHaveRun && operation !== 'load' ? 'unknown' : false;
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

  /** @throws (rejects with) CommandFailure; SessionStateError when the session cannot be answered */
  private runScript(
    key: SessionKey,
    script: SessionScript,
    args: ScriptArguments,
    call: ScriptCall = {},
  ): Promise<Answer> {
    // WAIT counts only the writes of the connection on which it is sent, so a separate writer keeps its saves.
    const pair = script.client === this.client ? this.tracking?.pairFor(key) : undefined;
    if (pair) return this.runTracked(pair, key, script, args, call);
    const { mayBatch = true, earlier } = call;
    const reply = mayBatch ? script.runBatched(args) : script.run(args, earlier);
    return reply.then((text) => this.answerOf(parseRedisReply(text)));
  }

  private async runTracked(
    pair: TrackingPair,
    key: SessionKey,
    script: SessionScript,
    args: ScriptArguments,
    { showsState = true, earlier }: ScriptCall,
  ): Promise<Answer> {
    const tracked = await pair.ask(key, (client) => script.runOnce(client, args), showsState);
    if (tracked.reply) return this.answerOf(tracked.reply, { watch: tracked.watch });
    const mayHaveRun = tracked.mayHaveRun || earlier?.mayHaveRun === true;
    return this.answerOf(parseRedisReply(await script.run(args, { mayHaveRun })));
  }

  private answerOf(reply: RedisReply, watched?: Answer['watched']): Answer {
    if (reply.code === 'too-large') {
      throw new SessionStateError(
        'the stored session',
        `is ${reply.bytes} bytes large, maxRecordBytes allows ${this.maxRecordBytes}; it is left as it is`,
        { reason: 'undecodable' },
      );
    }
    if (reply.code === 'foreign') {
      throw new SessionStateError(
        'the stored session',
        `is damaged, or was not written by this package (prefix '${this.names.prefix}'); it is left as it is`,
        { reason: 'undecodable' },
      );
    }
    if (reply.code === 'newer') {
      throw new SessionStateError(
        'the stored session',
        `was written by a newer release of nestjs-session-beans (its record has format ${reply.format}, this release ` +
          'reads format 1); it is left as it is; update this server',
        { reason: 'newer-version' },
      );
    }
    return { reply, watched };
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
      : 'the primary had it, and the cluster names no primary for its slot any more, to ask about replicas';
    throw new SessionStoreError({ store: this.name, operation, problem, applied: 'unknown' });
  }

  /** The connection for changes of the session; undefined where a cluster names no primary for its slot. */
  private writerFor(key: SessionKey): Redis | undefined {
    const client: RedisClient = this.writer;
    if (!(client instanceof Cluster)) return client;
    const name = primaryNameOf(client, this.names.slot(key));
    return name === undefined ? undefined : primaryNamed(client, name);
  }
}

function loadResultOf({ reply, watched }: Answer): LoadResult {
  if (reply.code === 'record') return { outcome: 'found', record: reply.record, ...watched };
  if (reply.code === 'times') return { outcome: 'unchanged', times: reply.times, ...watched };
  return { outcome: reply.code === 'superseded' ? 'superseded' : 'none' };
}
