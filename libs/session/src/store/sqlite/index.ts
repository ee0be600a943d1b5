/**
 * `nestjs-session-beans/sqlite`: sessions in a file, with the SQLite of Node. Nothing has to be installed.
 *
 * @module
 */
export { SqliteSessionStore } from './sqlite-session-store.js';
export type { SqliteSessionStoreOptions } from './sqlite-session-store.options.js';
