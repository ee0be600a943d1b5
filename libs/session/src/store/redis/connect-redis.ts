import { once } from 'node:events';
import { Cluster, Redis, type ClusterOptions, type RedisOptions } from 'ioredis';
import type { SessionBootError } from '../../errors/session-boot.error.js';
import type { RedisClient } from './redis-client.js';
import { redisOptionChecks } from './redis-session-store.options.js';

/** How long after a connection has ended for good it is made again. */
const RECONNECT_MS = 100;

const reconnectAfterMs = (times: number): number => Math.min(1_000, 50 * times) * (0.75 + Math.random() / 2);

/**
 * The settings that a request path needs and that ioredis does not have by default: a command fails at once while there
 * is no connection (a queued one may run long after its request was answered), and is never sent twice by ioredis; a
 * demoted primary is left; a connection that owes an answer and is silent is given up, and is back within a second.
 */
const forRequests: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  connectTimeout: 2_000,
  socketTimeout: 2_000,
  disconnectTimeout: 250,
  retryStrategy: reconnectAfterMs,
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
};

/** A sentinel that hangs is skipped. The store listens to a sentinel again soon after it was away. */
const forSentinels: RedisOptions = {
  role: 'master',
  failoverDetector: true,
  sentinelCommandTimeout: 1_000,
  sentinelRetryStrategy: reconnectAfterMs,
  sentinelReconnectStrategy: () => 1_000,
};

/** There are as many redirections as fit into the time that a request waits. */
const forClusters: ClusterOptions = {
  enableOfflineQueue: false,
  maxRedirections: 6,
  clusterRetryStrategy: reconnectAfterMs,
};

/**
 * Makes a client for a URL: `redis://`, `rediss://`, `redis+sentinel://h1:p,h2:p/master` or
 * `redis+cluster://h1:p,h2:p`. `rediss+` uses TLS to every server, sentinels included.
 *
 * @throws SessionConfigurationError when the URL is none of these; its text holds no password
 */
export function connectRedis(url: string): RedisClient {
  const [, scheme = '', secure, kind = '', credentials = '', hosts = '', path = ''] =
    /^(redis(s?)(\+sentinel|\+cluster)?):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/.exec(url) ?? [];
  if (scheme === '') throw refused();
  const { tls, ...login } = { ...loginOf(credentials), tls: secure ? {} : undefined };
  const nodes = hosts.split(',').map((node) => nodeOf(node, kind === '+sentinel' ? 26379 : 6379));
  switch (kind) {
    case '+sentinel':
      if (path === '') throw refused();
      return new Redis({
        ...forRequests,
        ...forSentinels,
        ...login,
        sentinels: nodes,
        name: path,
        // With `tls` alone, ioredis asks the sentinels without TLS.
        ...(tls && { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
      });
    case '+cluster': {
      // A cluster has one database.
      if (path !== '' && path !== '0') throw refused();
      const { retryStrategy: _, ...redisOptions } = forRequests;
      return new Cluster(nodes, { ...forClusters, redisOptions: { ...redisOptions, ...login, ...(tls && { tls }) } });
    }
    default:
      if (nodes.length > 1 || !/^\d{0,4}$/.test(path)) throw refused();
      return new Redis({ ...forRequests, ...login, ...nodes[0], db: Number(path), ...(tls && { tls }) });
  }
}

function loginOf(credentials: string): RedisOptions {
  const [, username, password] = /^([^:]*):?(.*)$/.exec(credentials) ?? [];
  try {
    return {
      ...(username && { username: decodeURIComponent(username) }),
      ...(password && { password: decodeURIComponent(password) }),
    };
  } catch {
    throw refused();
  }
}

function nodeOf(node: string, defaultPort: number): { host: string; port: number } {
  const [, host = '', port] = /^(\[[\da-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/i.exec(node) ?? [];
  if (host === '' || Number(port ?? defaultPort) > 65_535) throw refused();
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? defaultPort) };
}

/** The url itself is not shown: it may hold a password. */
function refused(): SessionBootError {
  return redisOptionChecks.secretRefusal(
    'url',
    'a url',
    'redis://user:password@host:port/db, redis+sentinel://host:port,host:port/master, ' +
      'redis+cluster://host:port,host:port, with rediss for TLS and special characters of the password ' +
      'percent-encoded; for everything else give a client',
  );
}

/** The clients that the store made: it reconnects them and closes them. */
export class OwnClients {
  private readonly clients: RedisClient[] = [];
  private isClosed = false;

  add<T extends RedisClient>(client: T): T {
    this.clients.push(client);
    // Without a listener ioredis prints every failed attempt. Requests get errors of their own.
    client.on('error', () => undefined);
    client.on('end', () => this.reconnect(client));
    return client;
  }

  /** Waits for connections that were closed to be there again, or for their first failure. */
  async open(): Promise<void> {
    if (!this.isClosed) return;
    this.isClosed = false;
    await Promise.all(
      this.clients.map(async (client) => {
        if (client.status !== 'end') await once(client, 'end');
        await client.connect().catch(() => undefined);
      }),
    );
  }

  close(): void {
    this.isClosed = true;
    for (const client of this.clients) if (client.status !== 'end') client.disconnect();
  }

  /**
   * ioredis 6 ends a client for good when a sentinel announces a failover while the client asks another sentinel for
   * the address. It does not ask the retry strategy then.
   */
  private reconnect(client: RedisClient): void {
    const connect = (): void => {
      if (!this.isClosed && client.status === 'end') client.connect().catch(() => undefined);
    };
    setTimeout(connect, RECONNECT_MS).unref();
  }
}
