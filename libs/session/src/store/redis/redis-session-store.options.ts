import { Logger } from '@nestjs/common';
import { type Completed, OptionChecks } from '../../errors/option-checks.js';
import type { RedisClientPort } from './clients/redis-port.js';
import { type RedisClient, redisPortOf } from './redis-client.js';
import { defaultPrefix } from './redis-key-names.js';

/**
 * A change counts as stored once this many replicas have it too.
 *
 * A request whose change did not reach them in time is answered with 503. The primary has the change by then, and it is
 * unknown whether it survives a failover. This narrows the window in which a failover loses acknowledged changes, but
 * cannot close it. The store makes a second connection, for its writes.
 */
export interface RedisDurability {
  /** The number of replicas, at least 1. */
  readonly replicas: number;

  /** How long to wait for them, in ms: 1 to 1500. Default 500. */
  readonly timeoutMs?: number | undefined;
}

/**
 * The options of a `RedisSessionStore`. An option that is left out has the default written here. Give either `client`
 * or `url`.
 *
 * @example
 * new RedisSessionStore({ url: 'rediss://app:secret@redis.internal:6380/0', prefix: 'shop:' })
 */
export class RedisSessionStoreOptions {
  /**
   * Your client, of ioredis 5 or 6 (`Redis`, `Cluster`) or of node-redis 5 or 6 (`createClient()`, `createCluster()`,
   * `createSentinel()`). You connect it and close it. Its settings should fit a request path; see docs/stores/redis.md.
   */
  readonly client?: RedisClient | undefined = undefined;

  /**
   * The address of Redis or Valkey: `redis://host:port/db`, `redis+sentinel://host:port,host:port/master` or
   * `redis+cluster://host:port,host:port`, with `user:password@` where needed. With `rediss` in place of `redis` the
   * connection uses TLS and the authorities that Node trusts (`NODE_EXTRA_CA_CERTS`).
   *
   * The store makes the client, with settings that fit a request path, and closes it: with ioredis where that is
   * installed, else with node-redis (`redis` or `@redis/client`).
   */
  readonly url?: string | undefined = undefined;

  /**
   * Stands before every key. Applications with one prefix share their sessions. No braces, which are the hash tag, and
   * no white space. Default: `session:` and the name in the package.json of the application, as in `session:shop:`.
   */
  readonly prefix?: string | undefined = defaultPrefix();

  /**
   * The largest stored session that is read, in bytes, with its names and versions; at least 1024. A larger one was not
   * written by this application, and is refused.
   */
  readonly maxRecordBytes?: number | undefined = 4 * 1024 * 1024;

  /** Waits for replicas before a change counts as stored. Left out, the primary alone decides. */
  readonly durability?: RedisDurability | undefined = undefined;

  /**
   * How often the connections of a near cache in mode `bounded` prove that they miss nothing, in ms: 10 to 1000. A copy
   * is trusted for `maxStalenessMs` after the last proof, so a quarter of that is right. Each proof costs Redis two
   * small commands.
   */
  readonly beatMs?: number | undefined = 50;

  /** Is called once for each reason why there is no connection, or why a near cache works in mode `validate`. */
  readonly onWarning?: ((warning: string) => void) | undefined = logWarning;
}

export interface ResolvedRedisOptions extends Omit<
  Completed<RedisSessionStoreOptions, 'client' | 'url' | 'durability'>,
  'client' | 'durability'
> {
  readonly client: RedisClientPort | undefined;
  readonly durability: Required<RedisDurability> | undefined;
}

export const redisOptionChecks = new OptionChecks('RedisSessionStore');

/**
 * Fills in the defaults.
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolveRedisOptions(given: RedisSessionStoreOptions): ResolvedRedisOptions {
  const checks = redisOptionChecks;
  const options = checks.complete<RedisSessionStoreOptions, 'client' | 'url' | 'durability'>(
    given,
    new RedisSessionStoreOptions(),
  );
  const { client, url, durability } = options;
  if ((client === undefined) === (url === undefined))
    throw checks.refusal('client', client, 'either a client or a url');
  const port = client === undefined ? undefined : redisPortOf(client);
  if (client !== undefined && port === undefined)
    throw checks.refusal('client', client, 'a client of ioredis, or of node-redis (no pool)');
  if (url !== undefined && typeof url !== 'string') throw checks.secretRefusal('url', url, 'a text');
  checks.text('prefix', options.prefix, /^[^{}\s]*$/, 'a text without braces (they are the hash tag) and white space');
  checks.wholeNumber('maxRecordBytes', options.maxRecordBytes, { least: 1024, unit: 'bytes' });
  checks.wholeNumber('beatMs', options.beatMs, { least: 10, most: 1_000, unit: 'milliseconds' });
  checks.callback('onWarning', options.onWarning);
  return { ...options, client: port, durability: durability === undefined ? undefined : resolveDurability(durability) };
}

function resolveDurability(given: RedisDurability): Required<RedisDurability> {
  const checks = redisOptionChecks.within('durability');
  checks.names(given, ['replicas', 'timeoutMs']);
  const { replicas, timeoutMs = 500 } = given;
  checks.wholeNumber('replicas', replicas, { least: 1 });
  // The connections that the store makes are given up after two seconds of silence.
  checks.wholeNumber('timeoutMs', timeoutMs, { least: 1, most: 1_500, unit: 'milliseconds' });
  return { replicas, timeoutMs };
}

function logWarning(warning: string): void {
  new Logger('RedisSessionStore').warn(warning);
}
