import { setTimeout as pause } from 'node:timers/promises';
import { SessionStoreError } from '../../errors/session-store.error.js';
import { type DocumentRead, type DocumentWrite, DocumentSessionStore } from '../document/document-session-store.js';
import type { Clock } from '../clock.js';
import { documentRecord, isMark, liveDocument } from '../document/session-document.js';
import type { MaybePromise } from '../maybe-promise.js';
import { firstPageOf, placeAfter, withParts } from '../principal-page.js';
import type {
  ListedSession,
  PrincipalPage,
  PrincipalSessions,
  StoreEpoch,
  StorePrincipals,
} from '../store-principals.js';
import { type NamedDocument, SqliteFile, isBusy, sqlite } from './sqlite-file.js';
import { type SqliteSessionStoreOptions, resolveSqliteOptions } from './sqlite-session-store.options.js';

const PURGE_INTERVAL_MS = 60_000;

/** Each slice is a transaction of some ms, for which all requests of this process wait. */
const PURGED_AT_ONCE = 500;

/** While another process writes: the first pause, which doubles, and the longest wait for one write. */
const BUSY_PAUSE_MS = 1;
const MOST_PAUSE_MS = 32;
const MOST_WAIT_MS = 5_000;

/**
 * Keeps sessions in a file, with the SQLite that Node 22.13 and later bring. Sessions survive restarts of the
 * application. All processes of one machine that name the same file share the sessions, and keep each other's changes:
 * the workers of a cluster, and the old and the new process of a deployment.
 *
 * Calls answer at once, as those of the memory store do. Only while another process writes, a write waits for it, and
 * other requests go on meanwhile.
 *
 * What was answered outlives the process. When the machine loses power, the last saves may be lost, and the file is
 * intact (`synchronous = NORMAL`).
 *
 * @example
 * SessionModule.forRoot({ store: new SqliteSessionStore({ file: 'sessions.db' }) })
 *
 * @see docs/stores/sqlite.md
 */
export class SqliteSessionStore extends DocumentSessionStore {
  readonly name = 'sqlite';

  readonly principals: StorePrincipals = {
    list: (principal, page) => this.list(principal, page),
  };

  readonly epoch: StoreEpoch = {
    begin: () => this.write(() => this.opened().beginEpoch(this.clock.now())),
    read: () => this.opened().epoch(),
  };

  private readonly path: string;
  private readonly clock: Clock;
  private file: SqliteFile | undefined;
  private timer: NodeJS.Timeout | undefined;

  /** @throws SessionConfigurationError when an option cannot work, or this Node has no SQLite */
  constructor(options: SqliteSessionStoreOptions) {
    super();
    const { file, clock } = resolveSqliteOptions(options);
    sqlite();
    this.path = file;
    this.clock = clock;
  }

  /** Opens the file, and makes it if it is missing. @throws Error when that is not possible */
  open(): void {
    this.file ??= new SqliteFile(this.path);
    // A purge that fails can wait for the next one: expired sessions are never found.
    this.timer ??= setInterval(() => void this.purge().catch(() => undefined), PURGE_INTERVAL_MS).unref();
  }

  /** Closes the file. The store can be opened again. */
  override close(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.file?.close();
    this.file = undefined;
  }

  protected read(name: string): DocumentRead<number> {
    return { now: this.clock.now(), document: this.opened().read(name) };
  }

  protected replace(name: string, write: DocumentWrite<number>): MaybePromise<boolean | 'limit'> {
    return this.write(() => this.opened().replace(name, write, this.clock.now()));
  }

  private list(principal: string, page: PrincipalPage): PrincipalSessions {
    const now = this.clock.now();
    // One more shows whether there is another page.
    const found = this.opened().ofPrincipal(principal, placeAfter(page), page.limit + 1, now);
    return firstPageOf(
      found.flatMap((document) => listed(document, page, now)),
      page,
    );
  }

  /** Deletes what has expired, in slices. Called every minute; of several processes the second one finds nothing. */
  async purge(): Promise<void> {
    let deleted = PURGED_AT_ONCE;
    while (deleted === PURGED_AT_ONCE && this.file) {
      deleted = await this.write(() => this.file?.purge(this.clock.now(), PURGED_AT_ONCE) ?? 0);
      await pause(BUSY_PAUSE_MS);
    }
  }

  private opened(): SqliteFile {
    if (this.file) return this.file;
    throw new Error('the file is closed');
  }

  /** A write that meets that of another process is tried again. */
  private write<T>(work: () => T): MaybePromise<T> {
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return this.writeLater(work);
    }
  }

  private async writeLater<T>(work: () => T): Promise<T> {
    const end = performance.now() + MOST_WAIT_MS;
    for (let pauseMs = BUSY_PAUSE_MS; ; pauseMs = Math.min(MOST_PAUSE_MS, 2 * pauseMs)) {
      await pause(pauseMs * Math.random());
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() > end) throw this.busyFor(MOST_WAIT_MS, error);
      }
    }
  }

  private busyFor(ms: number, cause: unknown): SessionStoreError {
    const problem = `another process has been writing to the file for ${ms} ms`;
    return new SessionStoreError({ store: this.name, operation: 'save', problem, applied: false, cause });
  }
}

function listed({ name: key, text }: NamedDocument, page: PrincipalPage, now: number): ListedSession[] {
  const session = liveDocument(text, now);
  return session && !isMark(session) ? [{ key, record: withParts(documentRecord(session), page) }] : [];
}
