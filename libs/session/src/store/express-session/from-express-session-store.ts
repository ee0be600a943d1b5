import { SessionConfigurationError } from '../../errors/session-configuration.error.js';
import { type DocumentRead, type DocumentWrite, DocumentSessionStore } from '../document/document-session-store.js';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from '../session-id.js';
import type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  SaveResult,
  SessionStore,
  StoreLocks,
  TouchResult,
} from '../session-store.js';

/** A store of express-session, as far as it is called. */
export interface ExpressSessionStore {
  get(sid: string, callback: (error: unknown, session?: unknown) => void): void;
  // Each store has a type of its own for the session.
  // oxlint-disable-next-line typescript/no-explicit-any
  set(sid: string, session: any, callback?: (error?: unknown) => void): void;
}

/** What is kept under an id. Stores of express-session read `cookie` for the end of life. */
interface KeptSession {
  readonly cookie: object;

  /** A document of `DocumentSessionStore`. */
  readonly document: string;
}

/** Some stores count in seconds, and let a session go up to one too early. The document has the exact end. */
const KEPT_LONGER_MS = 2_000;

/**
 * Makes a store of one that was made for express-session: connect-pg-simple, connect-redis, memorystore,
 * session-file-store, better-sqlite3-session-store, and forty others. Take it to use what is there already; a store of
 * this package can do more.
 *
 * Such a store can only get and set. So what is promised among requests of one server is kept: no update is lost, an
 * ended session stays ended. When several servers change one session at the same moment, the later one wins: a change
 * may be lost, and a logout undone. The store says so (`updates: 'per-server'`), the application warns at boot, and a
 * sticky balancer avoids it. There are no locks among servers and no notices.
 *
 * The sessions of express-session itself are not read: a session of this package is a document under its own id.
 *
 * @param store an instance. Its own time to live, if it has one, must not be shorter than `absoluteTimeoutMs`
 * @throws SessionConfigurationError when it is no such store
 *
 * @example
 * ```ts
 * const PgStore = connectPgSimple(expressSession);
 * SessionModule.forRoot({ store: fromExpressSessionStore(new PgStore({ pool })) });
 * ```
 * @see docs/stores/express-session.md
 */
export function fromExpressSessionStore(store: ExpressSessionStore): SessionStore {
  const { get, set } = (store ?? {}) as Partial<ExpressSessionStore>;
  if (typeof get !== 'function' || typeof set !== 'function') {
    throw new SessionConfigurationError(
      'fromExpressSessionStore: it takes an instance of a store, with the methods get and set. Some packages export ' +
        'a function that makes the class: new (connectPgSimple(expressSession))({ … })',
    );
  }
  return new InTurnSessionStore(new ExpressSessionDocuments(store));
}

/** The documents of a store that can get and set. Only correct while one caller at a time has a session. */
class ExpressSessionDocuments extends DocumentSessionStore<true> {
  readonly name: string;

  constructor(private readonly store: ExpressSessionStore) {
    super();
    this.name = store.constructor.name;
  }

  protected async read(name: string): Promise<DocumentRead<true>> {
    const kept = await new Promise<unknown>((resolve, reject) => {
      this.store.get(name, (error, session) =>
        error && !isMissing(error) ? reject(asError(error)) : resolve(session),
      );
    });
    const text = (kept as KeptSession | null | undefined)?.document;
    return { now: Date.now(), document: text === undefined ? undefined : { text, revision: true } };
  }

  protected async replace(name: string, { text, expiresAt }: DocumentWrite<true>): Promise<boolean> {
    const ms = Math.max(0, expiresAt - Date.now()) + KEPT_LONGER_MS;
    // Some stores go by `expires`, others by one of the durations.
    const expires = new Date(Date.now() + ms);
    const cookie = { originalMaxAge: ms, maxAge: ms, expires, httpOnly: true, path: '/' };
    const kept: KeptSession = { cookie, document: text };
    await new Promise<void>((resolve, reject) => {
      this.store.set(name, kept, (error) => (error ? reject(asError(error)) : resolve()));
    });
    return true;
  }
}

/** Lets the calls of one session come one after the other, in this process. */
class InTurnSessionStore implements SessionStore {
  readonly name: string;
  readonly contract = 1;
  readonly shared = true;
  readonly updates = 'per-server';
  readonly locks: StoreLocks | undefined = undefined;

  /** The last call of each session that has one under way. */
  private readonly turns = new Map<SessionKey, Promise<unknown>>();

  constructor(private readonly documents: ExpressSessionDocuments) {
    this.name = documents.name;
  }

  load(access: SessionAccess, options?: LoadOptions): Promise<LoadResult> {
    return this.inTurn(access.key, async () => this.documents.load(access, options));
  }

  save(change: SessionChange): Promise<SaveResult> {
    const { key } = change.mode === 'create' ? change : change.access;
    return this.inTurn(key, async () => this.documents.save(change));
  }

  touch(access: SessionAccess): Promise<TouchResult> {
    return this.inTurn(access.key, async () => this.documents.touch(access));
  }

  destroy(access: SessionAccess): Promise<DestroyResult> {
    return this.inTurn(access.key, async () => this.documents.destroy(access));
  }

  supersede(access: ClientAccess): Promise<void> {
    return this.inTurn(access.key, async () => this.documents.supersede(access));
  }

  /** The store behind it belongs to the application. */
  close(): void {}

  private inTurn<T>(key: SessionKey, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(key);
    const turn = before ? before.then(work, work) : work();
    this.turns.set(key, turn);
    const forget = (): void => {
      if (this.turns.get(key) === turn) this.turns.delete(key);
    };
    turn.then(forget, forget);
    return turn;
  }
}

/** Some stores report a session that is not there as an error, with the code of a missing file. */
function isMissing(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ENOENT';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
