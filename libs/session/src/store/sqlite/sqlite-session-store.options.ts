import { type Completed, OptionChecks } from '../../errors/option-checks.js';
import { type Clock, systemClock } from '../clock.js';

/**
 * Options of a `SqliteSessionStore`.
 *
 * @example
 * new SqliteSessionStore({ file: '/var/lib/shop/sessions.db' })
 */
export class SqliteSessionStoreOptions {
  /**
   * Path of the database, which is made if it is missing (readable by this user only; its folder has to be there). Give
   * the store a file of its own. All processes that name the same file share the sessions. On a disk of this machine:
   * SQLite's locks do not hold on network file systems.
   */
  readonly file: string = '';

  /** The source of the time. A test gives a clock that it can move. */
  readonly clock?: Clock | undefined = systemClock;
}

/**
 * Fills in the defaults.
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolveSqliteOptions(given: SqliteSessionStoreOptions): Completed<SqliteSessionStoreOptions> {
  const checks = new OptionChecks('SqliteSessionStore');
  const options = checks.complete(given, new SqliteSessionStoreOptions());
  // SQLite keeps a file without a name, or with this one, in the memory of one connection. It reads a url as options.
  checks.text(
    'file',
    options.file,
    /^(?!:memory:$|file:)[^\0]+$/,
    "a path, e.g. 'sessions.db', and neither ':memory:'",
  );
  checks.methods('clock', options.clock, ['now'], 'an object with a method now() that returns ms since 1970');
  return options;
}
