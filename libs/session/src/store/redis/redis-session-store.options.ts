import type { RedisClient } from './redis-client.js';

/** Options of `RedisSessionStore`. */
export interface RedisSessionStoreOptions {
  /** A client of yours, which you close. Give either this or `url`. */
  readonly client?: RedisClient;

  /**
   * Where Redis or Valkey is; the store makes the client, with settings made for a request path, and closes it. `redis://`, `rediss://` (TLS),
   * `redis+sentinel://host:port,host:port/master`, `redis+cluster://host:port,host:port`, with `user:password@` where needed.
   */
  readonly url?: string;

  /** Put before every key; give each application its own. Default `session:`. */
  readonly prefix?: string;

  /** A stored session larger than this is not read: it was not written by this application. Default 4 MiB. */
  readonly maxRecordBytes?: number;

  /**
   * Answer only when this many replicas have the change too, within `timeoutMs`; else the request is answered with 503, and whether the
   * change will survive a failover is unknown. Narrows the window in which a failover loses acknowledged changes; cannot close it.
   */
  readonly durability?: { readonly replicas: number; readonly timeoutMs?: number };

  /** Told once per connection what is dangerous about the server or the client. Default: Nest's logger. */
  readonly onWarning?: (warning: string) => void;
}
