import { Logger } from '@nestjs/common';
import { type Completed, OptionChecks } from '../../errors/option-checks.js';

/** A connection of a pool, as `pg` has it. */
export interface PostgresConnection {
  query(
    statement: string | { readonly name: string; readonly text: string },
    values?: unknown[],
  ): Promise<{ readonly rows: readonly Readonly<Record<string, unknown>>[] }>;

  /** The process of the server, as it was told with the connection. */
  readonly processID?: number | null;

  /** @param destroy true: the connection is of no use any more */
  release(destroy?: boolean): void;

  on(event: 'notification', listener: (message: { readonly channel: string; readonly payload?: string }) => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
  on(event: 'end', listener: () => void): this;
}

/** `Pool` of `pg`. */
export interface PostgresPool {
  connect(): Promise<PostgresConnection>;
}

/**
 * Options of a `PostgresSessionStore`: a `url`, or a `pool`.
 *
 * @example
 * new PostgresSessionStore({ url: 'postgres://shop:password@db/shop' })
 */
export class PostgresSessionStoreOptions {
  /** Address of the database. The store makes a pool of its own, and closes it. */
  readonly url?: string | undefined = undefined;

  /** A pool of yours, which you close. `connectionTimeoutMillis` and `query_timeout` should be set. */
  readonly pool?: PostgresPool | undefined = undefined;

  /** Most connections of the store's own pool. */
  readonly maxConnections?: number | undefined = 10;

  /**
   * Address past PgBouncer, where the other one goes through it in transaction mode: notices need a connection of their
   * own. Used by a near cache in mode `bounded` only. Default: a connection of the pool.
   */
  readonly directUrl?: string | undefined = undefined;

  /** The table of the sessions, `table` or `schema.table`; also the beginning of the names of all else. */
  readonly table?: string | undefined = 'session_beans';

  /**
   * Makes the tables and functions at boot if they are missing. False: `postgresMigration()` gives the statements, and
   * the role of the application needs no right to create anything.
   */
  readonly migrate?: boolean | undefined = true;

  /**
   * How often the connection of a near cache in mode `bounded` proves that it misses nothing, in ms: 10 to 1000. A copy
   * is trusted for `maxStalenessMs` after the last proof, so a quarter of that is right.
   */
  readonly beatMs?: number | undefined = 50;

  /** Is called once for each thing that an operator should know. */
  readonly onWarning?: ((warning: string) => void) | undefined = logWarning;
}

export type ResolvedPostgresOptions = Completed<PostgresSessionStoreOptions, 'url' | 'pool' | 'directUrl'>;

/**
 * Fills in the defaults.
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolvePostgresOptions(given: PostgresSessionStoreOptions): ResolvedPostgresOptions {
  const checks = new OptionChecks('PostgresSessionStore');
  const options: ResolvedPostgresOptions = checks.complete<PostgresSessionStoreOptions, 'url' | 'pool' | 'directUrl'>(
    given,
    new PostgresSessionStoreOptions(),
  );
  const { url, pool, directUrl } = options;
  if ((pool === undefined) === (url === undefined)) throw checks.refusal('pool', pool, 'either a Pool of pg or a url');
  if (pool !== undefined) checks.methods('pool', pool, ['connect'], 'a Pool of pg');
  for (const [name, address] of Object.entries({ url, directUrl })) {
    // The address itself is not shown: it may hold a password.
    if (address !== undefined && !isAddress(address))
      throw checks.secretRefusal(name, address, 'a url, postgres://user:password@host:port/database');
  }
  const table = /^[a-z_][a-z0-9_]{0,30}([.][a-z_][a-z0-9_]{0,30})?$/;
  checks.text('table', options.table, table, 'a name of lower-case letters, digits and _, with a schema or without');
  checks.wholeNumber('maxConnections', options.maxConnections, { least: 1, most: 1_000 });
  checks.wholeNumber('beatMs', options.beatMs, { least: 10, most: 1_000, unit: 'milliseconds' });
  checks.flag('migrate', options.migrate);
  checks.callback('onWarning', options.onWarning);
  return options;
}

function isAddress(text: unknown): boolean {
  return typeof text === 'string' && /^postgres(ql)?:\/\/./.test(text);
}

function logWarning(warning: string): void {
  new Logger('PostgresSessionStore').warn(warning);
}
