/**
 * `nestjs-session-beans/postgres`: sessions in PostgreSQL. Its peer is `pg`.
 *
 * @module
 */
export { PostgresSessionStore } from './postgres-session-store.js';
export type {
  PostgresConnection,
  PostgresPool,
  PostgresSessionStoreOptions,
} from './postgres-session-store.options.js';
export { postgresMigration } from './postgres-migration.js';
