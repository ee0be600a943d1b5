import { once } from 'node:events';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { SessionRisk } from '../../session-risk.js';
import { redisScripts } from '../redis-scripts.js';
import { ioredisRisks } from './client-risks.js';
import {
  ONLY_PRIMARY,
  type OwnClient,
  type RedisClientListener,
  type RedisClientPort,
  type RedisConnection,
  type RedisPort,
  type ScriptArguments,
  type ScriptName,
  type SinkConnection,
  isErrorReply,
  isPassingFault,
} from './redis-port.js';

/** How long after a connection has ended for good it is made again. */
const RECONNECT_MS = 100;

/** Errors of ioredis for a command that it does not keep and has not written to any connection. */
const NOT_SENT = /^(Stream isn't writeable|Cluster isn't ready) and enableOfflineQueue options is false/;

const CLIENT_EVENTS = ['ready', 'close', 'end'];
const CLUSTER_EVENTS = [...CLIENT_EVENTS, 'refresh', '+node', '-node'];

/** The settings of a connection of a near cache. */
const FOR_ONE_LIFE: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  enableAutoPipelining: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  reconnectOnError: null,
  sentinelRetryStrategy: () => null,
  failoverDetector: false,
  readOnly: false,
  connectTimeout: 2_000,
  socketTimeout: undefined,
  disconnectTimeout: 100,
};

/** ioredis drops the messages that RESP3 pushes. Release 5 does not know the option, and speaks nothing but RESP2. */
const RESP2 = { protocol: 2 } as const;

export function isIoredisCluster(client: Redis | Cluster): client is Cluster {
  return 'nodes' in client;
}

/** Scripts are commands of the client. It sends the hash of one, and the text when the server does not know it. */
type Scripted<T> = T & Record<string, (...args: ScriptArguments) => Promise<never>>;

abstract class IoredisPort<Client extends Redis | Cluster> implements RedisPort {
  readonly library = 'ioredis';
  protected readonly scripted: Scripted<Client>;

  constructor(readonly client: Client) {
    for (const [name, definition] of Object.entries(redisScripts)) client.defineCommand(name, definition);
    this.scripted = client as Scripted<Client>;
  }

  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  get isEnded(): boolean {
    return this.client.status === 'end';
  }

  get keyPrefix(): string {
    return this.client.options.keyPrefix ?? '';
  }

  run(script: ScriptName, args: ScriptArguments): Promise<Buffer> {
    this.gatherWrites();
    return (this.scripted[`${script}Buffer`] as NonNullable<Scripted<Client>[string]>)(...args);
  }

  runForText<T>(script: ScriptName, args: ScriptArguments): Promise<T> {
    this.gatherWrites();
    return (this.scripted[script] as NonNullable<Scripted<Client>[string]>)(...args);
  }

  getex(key: string): Promise<Buffer | null> {
    this.gatherWrites();
    return this.client.getexBuffer(key);
  }

  hget(key: string, field: string): Promise<string | null> {
    return this.client.hget(key, field);
  }

  hgetall(key: string): Promise<Readonly<Record<string, Buffer>>> {
    this.gatherWrites();
    return this.client.hgetallBuffer(key);
  }

  abstract mayHaveRun(error: unknown, wasReady: boolean): boolean;

  /** See `IoredisConnection`. The connections of a cluster are left alone: it chooses among them for each command. */
  protected gatherWrites(): void {}

  protected on(events: Readonly<Record<string, (error: Error) => void>>): () => void {
    for (const [event, listener] of Object.entries(events)) this.client.on(event, listener);
    return () => {
      for (const [event, listener] of Object.entries(events)) this.client.off(event, listener);
    };
  }
}

/** A `Redis` of ioredis: a client of one server, also through sentinels, or one connection of a cluster. */
export class IoredisConnection extends IoredisPort<Redis> implements RedisClientPort, SinkConnection {
  readonly isCluster = false;

  get usesTls(): boolean {
    return Boolean(this.client.options.tls);
  }

  get risks(): readonly SessionRisk[] {
    return ioredisRisks(this.client, [this.client]);
  }

  ask(name: string, ...args: string[]): Promise<unknown> {
    // Release 5 knows by names in small letters what it may send while it is subscribed.
    return this.client.call(name.toLowerCase(), ...args);
  }

  mayHaveRun(error: unknown): boolean {
    return !(error instanceof Error) || (!isErrorReply(error) && !NOT_SENT.test(error.message));
  }

  primaries(): ReadonlyMap<string, RedisConnection> {
    return this.isReady ? new Map([[ONLY_PRIMARY, this]]) : new Map();
  }

  primaryNameOf(): string {
    return ONLY_PRIMARY;
  }

  refreshSlots(): void {}

  listen({ changed, failed }: RedisClientListener): () => void {
    const stops = CLIENT_EVENTS.map((event) => this.on({ ...(changed && { [event]: changed }) }));
    stops.push(this.on({ ...(failed && { error: failed }) }));
    return () => stops.forEach((stop) => stop());
  }

  duplicate(): OwnClient {
    return new OwnIoredisClient(this.client.duplicate());
  }

  trackingConnections(clientPrefix: string): { readonly sink: IoredisConnection; readonly data: IoredisConnection } {
    const { client } = this;
    const sink = client.duplicate({ ...FOR_ONE_LIFE, connectionName: 'session-beans:sink', keyPrefix: '', ...RESP2 });
    const data = client.duplicate({
      ...FOR_ONE_LIFE,
      connectionName: 'session-beans:data',
      keyPrefix: clientPrefix,
      // The database may have been chosen with SELECT.
      db: client.condition?.select ?? client.options.db,
    });
    return { sink: new IoredisConnection(sink), data: new IoredisConnection(data) };
  }

  connect(): Promise<void> {
    return this.client.connect();
  }

  close(): void {
    if (!this.isEnded) this.client.disconnect();
  }

  onLost(listener: (reason: Error) => void): void {
    this.on({ error: listener, close: () => listener(new Error('a connection was closed')) });
  }

  onInvalidated(listener: (keys: Buffer[] | null) => void): void {
    this.client.on('messageBuffer', (_channel: Buffer, keys: Buffer[] | null) => listener(keys));
  }

  subscribe(channel: string): Promise<unknown> {
    return this.client.subscribe(channel);
  }

  /**
   * Sends the commands of this turn of the event loop in one piece: for a small command, the system call costs more
   * than all the rest. (`enableAutoPipelining` of ioredis does this too, at a higher price.)
   */
  protected override gatherWrites(): void {
    const { stream } = this.client;
    if (!stream || stream.writableCorked > 0) return;
    stream.cork();
    setImmediate(uncork, stream);
  }
}

function uncork(stream: Redis['stream']): void {
  stream.uncork();
}

/** A `Cluster` of ioredis. */
export class IoredisClusterClient extends IoredisPort<Cluster> implements RedisClientPort {
  readonly isCluster = true;
  private readonly connections = new WeakMap<Redis, IoredisConnection>();

  get usesTls(): boolean {
    return Boolean(this.client.options.redisOptions?.tls);
  }

  get risks(): readonly SessionRisk[] {
    return ioredisRisks(this.client, this.client.nodes('master'));
  }

  /** A cluster client sends a command again by itself: an error may be about another server than the first one. */
  mayHaveRun(error: unknown, wasReady: boolean): boolean {
    const wasNeverReady = !wasReady && error instanceof Error && NOT_SENT.test(error.message);
    return isPassingFault(error) && !wasNeverReady;
  }

  primaries(): ReadonlyMap<string, RedisConnection> {
    const primaries = new Map<string, RedisConnection>();
    if (!this.isReady) return primaries;
    const masters = this.client.nodes('master');
    for (const name of new Set(this.client.slots.flatMap((servers) => servers?.slice(0, 1) ?? []))) {
      const node = masters.find(({ options }) => `${options.host}:${options.port}` === name);
      if (node) primaries.set(name, this.connectionOf(node));
    }
    return primaries;
  }

  primaryNameOf(slot: number): string | undefined {
    return this.client.slots[slot]?.[0];
  }

  refreshSlots(): void {
    this.client.refreshSlotsCache();
  }

  listen({ changed, failed }: RedisClientListener): () => void {
    const stops = CLUSTER_EVENTS.map((event) => this.on({ ...(changed && { [event]: changed }) }));
    const told = (error: Error & { lastNodeError?: Error }): void => failed?.(error.lastNodeError ?? error);
    stops.push(this.on({ ...(failed && { error: told }) }));
    return () => stops.forEach((stop) => stop());
  }

  duplicate(): OwnClient {
    return new OwnIoredisClient(this.client.duplicate());
  }

  private connectionOf(node: Redis): IoredisConnection {
    const known = this.connections.get(node);
    if (known) return known;
    const connection = new IoredisConnection(node);
    this.connections.set(node, connection);
    return connection;
  }
}

export function ioredisPort(client: Redis | Cluster): IoredisConnection | IoredisClusterClient {
  return isIoredisCluster(client) ? new IoredisClusterClient(client) : new IoredisConnection(client);
}

/**
 * ioredis reconnects by itself, but not always: release 6 ends a client for good when a sentinel announces a failover
 * while the client asks another sentinel for the address. It does not ask the retry strategy then.
 */
export class OwnIoredisClient implements OwnClient {
  readonly port: IoredisConnection | IoredisClusterClient;
  private isClosed = false;

  constructor(private readonly client: Redis | Cluster) {
    this.port = ioredisPort(client);
    // Without a listener ioredis prints every failed attempt. Requests get errors of their own.
    client.on('error', () => undefined);
    client.on('end', () => this.reconnect());
  }

  async open(): Promise<void> {
    if (!this.isClosed) return;
    this.isClosed = false;
    const { client } = this;
    if (client.status !== 'end') await once(client, 'end');
    await client.connect().catch(() => undefined);
  }

  close(): void {
    this.isClosed = true;
    if (this.client.status !== 'end') this.client.disconnect();
  }

  private reconnect(): void {
    const { client } = this;
    const connect = (): void => {
      if (!this.isClosed && client.status === 'end') client.connect().catch(() => undefined);
    };
    setTimeout(connect, RECONNECT_MS).unref();
  }
}
