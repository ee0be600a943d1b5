import { closeSync, openSync } from 'node:fs';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';

/** What this package uses of `node:sqlite`. Its types come with newer releases of `@types/node` than ours. */
interface SqliteModule {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}

interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

interface SqliteStatement {
  get(...parameters: (string | number)[]): Record<string, unknown> | undefined;
  run(...parameters: (string | number)[]): { readonly changes: number | bigint };
}

/** The layout of the tables, kept in the file. */
const LAYOUT = 1;

/** How long the opening waits for other processes, which may be making the tables. */
const OPENING_MS = 5_000;

/**
 * WAL: readers and the one writer do not wait for each other. NORMAL: a commit is written to the file before its answer
 * and reaches the disk later, so that nothing is lost with a process, and the newest commits may be with the power.
 */
const SETTINGS = `
  PRAGMA busy_timeout = ${OPENING_MS};
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;`;

const TABLES = `
  CREATE TABLE IF NOT EXISTS session_documents (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    text TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS session_documents_by_end ON session_documents (expires_at);
  PRAGMA user_version = ${LAYOUT};`;

/** A document as the file has it. */
export interface SqliteRow {
  readonly text: string;
  readonly revision: number;
}

/** The open database of a `SqliteSessionStore`. All of its methods answer at once, and never wait for a lock. */
export class SqliteFile {
  private readonly database: SqliteDatabase;
  private readonly find: SqliteStatement;
  private readonly insert: SqliteStatement;
  private readonly update: SqliteStatement;
  private readonly deleteExpired: SqliteStatement;

  /** @throws Error when the file cannot be opened, or is none of ours */
  constructor(file: string) {
    // SQLite gives the files beside it the same permissions.
    closeSync(openSync(file, 'a', 0o600));
    this.database = new (sqlite().DatabaseSync)(file);
    try {
      this.prepareTables(file);
      this.find = this.database.prepare('SELECT text, revision FROM session_documents WHERE name = ?');
      this.insert = this.database.prepare(
        'INSERT INTO session_documents (name, revision, expires_at, text) VALUES (?, 1, ?, ?) ON CONFLICT DO NOTHING',
      );
      this.update = this.database.prepare(
        `UPDATE session_documents SET revision = revision + 1, expires_at = ?, text = ?
           WHERE name = ? AND revision = ?`,
      );
      this.deleteExpired = this.database.prepare(
        `DELETE FROM session_documents WHERE name IN
           (SELECT name FROM session_documents WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
      );
      // From now on the caller waits, and not the whole process.
      this.database.exec('PRAGMA busy_timeout = 0');
    } catch (error) {
      this.database.close();
      throw error;
    }
  }

  read(name: string): SqliteRow | undefined {
    return this.find.get(name) as SqliteRow | undefined;
  }

  /** @returns whether it was written: the document still had that revision */
  replace(name: string, revision: number | undefined, text: string, expiresAt: number): boolean {
    const { changes } =
      revision === undefined
        ? this.insert.run(name, expiresAt, text)
        : this.update.run(expiresAt, text, name, revision);
    return Number(changes) === 1;
  }

  /** @returns how many documents were deleted, at most `most` */
  purge(now: number, most: number): number {
    return Number(this.deleteExpired.run(now, most).changes);
  }

  close(): void {
    this.database.close();
  }

  private prepareTables(file: string): void {
    this.database.exec(SETTINGS);
    const layout = Number(this.database.prepare('PRAGMA user_version').get()?.['user_version']);
    if (layout > LAYOUT) {
      throw new SessionConfigurationError(
        `SqliteSessionStore: ${file} was made by a newer release of nestjs-session-beans (layout ${layout}, this ` +
          `release reads ${LAYOUT}); update this server`,
      );
    }
    if (layout < LAYOUT) this.database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT;`);
  }
}

/** @throws SessionConfigurationError where this Node has no SQLite */
export function sqlite(): SqliteModule {
  // Not an import: it would end a Node without the module with another error, and before anybody asks for the store.
  const found = process.getBuiltinModule('node:sqlite') as SqliteModule | undefined;
  if (found) return found;
  throw new SessionConfigurationError(
    `SqliteSessionStore needs the module node:sqlite, which Node ${process.versions.node} does not have: use Node ` +
      '22.13 or newer',
  );
}

/** Another process is writing: nothing was changed, and soon the call will do. */
export function isBusy(error: unknown): boolean {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  // The low byte is the primary code: there are several kinds of SQLITE_BUSY.
  return code === 'ERR_SQLITE_ERROR' && (Number(errcode) & 0xff) === 5;
}
