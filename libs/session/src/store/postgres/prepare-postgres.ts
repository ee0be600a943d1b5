import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { codeOf } from './postgres-calls.js';
import { LAYOUT, postgresMigration } from './postgres-migration.js';
import type { PostgresConnection, PostgresPool, ResolvedPostgresOptions } from './postgres-session-store.options.js';

/** SQLSTATE: the role may not do it. */
const NOT_ALLOWED = '42501';

/** The statements of a transaction see what was committed meanwhile. The functions rely on it. */
const ISOLATION = 'read committed';

/**
 * Makes the tables and functions if they are missing, or checks that they are there.
 * @returns whether the pool leads to the database itself, rather than to a pooler
 * @throws (rejects with) SessionConfigurationError when they cannot be used; any other error when the database is away
 */
export async function preparePostgres(pool: PostgresPool, options: ResolvedPostgresOptions): Promise<boolean> {
  const connection = await pool.connect();
  let isUsable = false;
  try {
    await checkIsolation(connection);
    const layout = await layoutOf(connection, options.table);
    if (layout > LAYOUT) {
      throw new SessionConfigurationError(
        `PostgresSessionStore: the table ${options.table} was made by a newer release of nestjs-session-beans ` +
          `(layout ${layout}, this release reads ${LAYOUT}); update this server`,
      );
    }
    if (layout < LAYOUT) await migrate(connection, options);
    const process = await valueOf(connection, 'SELECT pg_backend_pid() AS value');
    isUsable = true;
    return process === connection.processID;
  } finally {
    connection.release(!isUsable);
  }
}

async function checkIsolation(connection: PostgresConnection): Promise<void> {
  const isolation = await valueOf(connection, `SELECT current_setting('default_transaction_isolation') AS value`);
  if (isolation === ISOLATION) return;
  throw new SessionConfigurationError(
    `PostgresSessionStore: default_transaction_isolation is ${String(isolation)}; the store needs ${ISOLATION}: set ` +
      'it for the role of the application (ALTER ROLE … SET …)',
  );
}

/** 0 where there is nothing. */
async function layoutOf(connection: PostgresConnection, table: string): Promise<number> {
  const meta = await valueOf(connection, 'SELECT to_regclass($1)::text AS value', [`${table}_meta`]);
  if (meta === null) return 0;
  return Number(await valueOf(connection, `SELECT max(value) AS value FROM ${table}_meta WHERE name = 'layout'`));
}

async function migrate(connection: PostgresConnection, { table, migrate: isAllowed }: ResolvedPostgresOptions) {
  const advice = 'run the statements of postgresMigration() as a role that may create tables and functions';
  if (!isAllowed) throw new SessionConfigurationError(`PostgresSessionStore: there is no table ${table}; ${advice}`);
  try {
    // Of servers that boot at once one makes the tables, and the others wait for it.
    await connection.query('BEGIN');
    await connection.query('SELECT pg_advisory_xact_lock(hashtext($1))', [table]);
    await connection.query(postgresMigration(table));
    await connection.query('COMMIT');
  } catch (error) {
    if (codeOf(error) !== NOT_ALLOWED) throw error;
    throw new SessionConfigurationError(`PostgresSessionStore: the role may not make the table ${table}; ${advice}`, {
      cause: error,
    });
  }
}

async function valueOf(connection: PostgresConnection, text: string, values: unknown[] = []): Promise<unknown> {
  const { rows } = await connection.query(text, values);
  return rows[0]?.['value'] ?? null;
}
