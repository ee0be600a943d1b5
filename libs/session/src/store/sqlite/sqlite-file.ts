import { closeSync, openSync } from 'node:fs';
import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import type { DocumentLogin, DocumentWrite } from '../document/document-session-store.js';
import type { LoginPlace } from '../principal-page.js';

/** What this package uses of `node:sqlite`. Its types come with newer releases of `@types/node` than ours. */
interface SqliteModule {
  readonly DatabaseSync: new (file: string) => SqliteDatabase;
}

interface SqliteDatabase {
  exec(sql: string): void;
  prepare(sql: string): SqliteStatement;
  close(): void;
}

type SqliteValue = string | number | null;

interface SqliteStatement {
  get(...parameters: SqliteValue[]): Record<string, unknown> | undefined;
  all(...parameters: SqliteValue[]): Record<string, unknown>[];
  run(...parameters: SqliteValue[]): { readonly changes: number | bigint };
}

/** The layout of the tables, kept in the file. */
const LAYOUT = 2;

/** The document that holds the epoch. No session has such a name. */
const EPOCH = '@epoch';
const NEVER = Number.MAX_SAFE_INTEGER;

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
    text TEXT NOT NULL,
    principal TEXT,
    authenticated_at INTEGER,
    created_at INTEGER
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS session_documents_by_end ON session_documents (expires_at);
  CREATE INDEX IF NOT EXISTS session_documents_by_principal
    ON session_documents (principal, authenticated_at DESC, name) WHERE principal IS NOT NULL;
  PRAGMA user_version = ${LAYOUT};`;

/** What layout 1 lacks. Its sessions are found by their principal from their next save on. */
const NEW_COLUMNS = `
  ALTER TABLE session_documents ADD COLUMN principal TEXT;
  ALTER TABLE session_documents ADD COLUMN authenticated_at INTEGER;
  ALTER TABLE session_documents ADD COLUMN created_at INTEGER;`;

/** A document as the file has it. */
export interface SqliteRow {
  readonly text: string;
  readonly revision: number;
}

/** A document with its name. */
export interface NamedDocument {
  readonly name: string;
  readonly text: string;
}

/** The open database of a `SqliteSessionStore`. All of its methods answer at once, and never wait for a lock. */
export class SqliteFile {
  private readonly database: SqliteDatabase;
  private readonly find: SqliteStatement;
  private readonly insert: SqliteStatement;
  private readonly update: SqliteStatement;
  private readonly deleteExpired: SqliteStatement;
  private readonly findOfPrincipal: SqliteStatement;
  private readonly countOthers: SqliteStatement;
  private readonly raiseEpoch: SqliteStatement;

  /** @throws Error when the file cannot be opened, or is none of ours */
  constructor(file: string) {
    // SQLite gives the files beside it the same permissions.
    closeSync(openSync(file, 'a', 0o600));
    this.database = new (sqlite().DatabaseSync)(file);
    try {
      this.prepareTables(file);
      this.find = this.database.prepare('SELECT text, revision FROM session_documents WHERE name = ?');
      this.insert = this.database.prepare(
        `INSERT INTO session_documents (expires_at, text, principal, authenticated_at, created_at, name, revision)
           VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT DO NOTHING`,
      );
      this.update = this.database.prepare(
        `UPDATE session_documents SET revision = revision + 1, expires_at = ?, text = ?, principal = ?,
           authenticated_at = ?, created_at = ? WHERE name = ? AND revision = ?`,
      );
      this.findOfPrincipal = this.database.prepare(
        `SELECT name, text FROM session_documents WHERE principal = ? AND expires_at > ? AND created_at > ?
           AND (authenticated_at < ? OR authenticated_at = ? AND name > ?)
           ORDER BY authenticated_at DESC, name LIMIT ?`,
      );
      this.countOthers = this.database.prepare(
        `SELECT count(*) AS count FROM session_documents
           WHERE principal = ? AND name <> ? AND expires_at > ? AND created_at > ?`,
      );
      this.raiseEpoch = this.database.prepare(
        `INSERT INTO session_documents (name, revision, expires_at, text) VALUES ('${EPOCH}', 1, ${NEVER}, ?1)
           ON CONFLICT (name) DO UPDATE SET text = CAST(max(CAST(text AS INTEGER), CAST(?1 AS INTEGER)) AS TEXT)`,
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

  /**
   * @param now for the limit of a login
   * @returns whether it was written: the document still had that revision
   */
  replace(name: string, write: DocumentWrite<number>, now: number): boolean | 'limit' {
    const { login, text, expiresAt, revision } = write;
    if (login?.mostSessions !== undefined) return this.replaceWithin(login.mostSessions, name, write, now);
    const { principal = null, authenticatedAt = null, createdAt = null } = login ?? {};
    const values = [expiresAt, text, principal, authenticatedAt, createdAt, name];
    const { changes } = revision === undefined ? this.insert.run(...values) : this.update.run(...values, revision);
    return Number(changes) === 1;
  }

  /** In one transaction, so that no other process writes in between. */
  private replaceWithin(
    mostSessions: number,
    name: string,
    { login, ...write }: DocumentWrite<number>,
    now: number,
  ): boolean | 'limit' {
    const { principal } = login as DocumentLogin;
    this.database.exec('BEGIN IMMEDIATE');
    try {
      const found = this.countOthers.get(principal, name, now, this.epoch() ?? -1);
      const isRefused = Number(found?.['count']) >= mostSessions;
      const unlimited = { ...(login as DocumentLogin), mostSessions: undefined };
      const outcome = isRefused ? 'limit' : this.replace(name, { ...write, login: unlimited }, now);
      this.database.exec('COMMIT');
      return outcome;
    } catch (error) {
      this.database.exec('ROLLBACK');
      throw error;
    }
  }

  /** The documents of sessions of the principal that live, behind a place, the newest login first. */
  ofPrincipal(principal: string, after: LoginPlace | undefined, most: number, now: number): NamedDocument[] {
    const { at = NEVER, key = '' } = after ?? {};
    const found = this.findOfPrincipal.all(principal, now, this.epoch() ?? -1, at, at, key, most);
    return found as unknown as NamedDocument[];
  }

  /** Up to when all sessions have ended. */
  epoch(): number | undefined {
    const text = this.read(EPOCH)?.text;
    return text === undefined ? undefined : Number(text);
  }

  beginEpoch(now: number): number {
    this.raiseEpoch.run(String(now));
    return this.epoch() ?? now;
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
    if (layout === 1) this.database.exec(`BEGIN IMMEDIATE; ${NEW_COLUMNS} ${TABLES} COMMIT;`);
    else if (layout < LAYOUT) this.database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT;`);
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
