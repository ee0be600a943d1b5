import type { RedisClient } from './redis-client.js';

/** Options of `RedisSessionStore`. */
export interface RedisSessionStoreOptions {
  /** A client of yours, which you close. Give either this or `url`. */
  readonly client?: RedisClient;

  /**
   * Where Redis or Valkey is; the store makes the client, with settings made for a request path, and closes it. `redis://host:port/db`,
   * `redis+sentinel://host:port,host:port/master`, `redis+cluster://host:port,host:port`, with `user:password@` where needed; `rediss` in place
   * of `redis` speaks TLS, with the authorities that Node trusts (`NODE_EXTRA_CA_CERTS`).
   */
  readonly url?: string;

  /** Put before every key; give each application its own. Default `session:`. */
  readonly prefix?: string;

  /** A stored session larger than this (with its names and versions) is refused: this application did not write it. Default 4 MiB. */
  readonly maxRecordBytes?: number;

  /**
   * Answer only when this many replicas have the change too, within `timeoutMs`; else the request is answered with 503, and whether the
   * change will survive a failover is unknown. Narrows the window in which a failover loses acknowledged changes; cannot close it.
   * Default: off; `timeoutMs` 500, at most 1500. Makes a second connection, for writes.
   */
  readonly durability?: { readonly replicas: number; readonly timeoutMs?: number };

  /**
   * Near cache in mode `bounded`: how often each of its connections shows that it misses nothing. Copies are trusted for `maxStalenessMs` from
   * the last time, so a quarter of that is right; each time costs Redis two small commands. From 10 to 1000 ms, default 50.
   */
  readonly beatMs?: number;

  /** Told once what is dangerous about the server or the client, and what keeps them from working. Default: Nest's logger. */
  readonly onWarning?: (warning: string) => void;
}
