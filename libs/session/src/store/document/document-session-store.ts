import { SessionStateError } from '../../errors/session-state.error.js';
import { SessionStoreError } from '../../errors/session-store.error.js';
import { checkAccess } from '../heap/identity-history.js';
import { type MaybePromise, isPromise } from '../maybe-promise.js';
import type { SessionChange } from '../session-change.js';
import type { ClientAccess, SessionAccess, SessionKey } from '../session-id.js';
import type {
  DestroyResult,
  LoadOptions,
  LoadResult,
  LockResult,
  SaveResult,
  SessionStore,
  StoreLocks,
  Superseded,
  TouchResult,
} from '../session-store.js';
import {
  type Mark,
  type SessionDocument,
  assertKnownFormat,
  createdSession,
  documentRecord,
  expiryOf,
  isMark,
  joinedSession,
  liveDocument,
  stampOf,
  updatedSession,
  usedSession,
} from './session-document.js';

/** The answer of a database about a name. */
export interface DocumentRead<Revision> {
  /**
   * The time, in ms since 1970, by one clock that all servers share: that of the database. Where it tells none, the
   * clocks of the servers have to agree within a fraction of the shortest lifetime.
   */
  readonly now: number;

  /** Undefined where there is none. One that has expired may still be given. */
  readonly document?: { readonly text: string; readonly revision: Revision } | undefined;
}

/** A document to be written. */
export interface DocumentWrite<Revision> {
  /** JSON. Keep it byte for byte. */
  readonly text: string;

  /** In ms since 1970. The database may delete the document from then on; until then it must not. */
  readonly expiresAt: number;

  /** Of the document that is replaced. Undefined: there must be none. */
  readonly revision: Revision | undefined;

  /** The login of the session, for a database that finds sessions by their principal. Undefined: there is none. */
  readonly login: DocumentLogin | undefined;
}

/** Whose a session is, for an index of the database. */
export interface DocumentLogin {
  readonly principal: string;

  /** In ms since 1970. */
  readonly authenticatedAt: number;

  /** When the session began, in ms since 1970. */
  readonly createdAt: number;

  /**
   * The document is to be written only while fewer other ones of the principal have not expired, in the same atomic
   * step; else the answer is `limit`. Present only for a store with `principals`.
   */
  readonly mostSessions: number | undefined;
}

type Operation = SessionStoreError['operation'];

/** An answer, and the session that is stored from now on, or a mark. Without one, nothing changes. */
interface Decision<T> {
  readonly answer: T;
  readonly next?: SessionDocument | Mark;

  /** For a login: how many sessions its principal may have, and the answer where it has more. */
  readonly limit?: { readonly mostSessions: number; readonly answer: T } | undefined;
}

/** Decides on the session of a key. `isMarked`: the key has ended. */
type Decide<T> = (session: SessionDocument | undefined, now: number, isMarked: boolean) => MaybePromise<Decision<T>>;

/** The answer to a caller who does not get at the session. */
type Refused = Superseded | { readonly outcome: 'none' };

/** [D2] [I15] At least one minute, at most two. */
const MARKED_MS = 90_000;

const GONE: Decision<SaveResult> = { answer: { outcome: 'gone' } };
const LIMIT: SaveResult = { outcome: 'limit' };
const NOTHING: Decision<void> = { answer: undefined };

/**
 * A store on anything that can replace a document if nobody else has replaced it: DynamoDB, MongoDB, etcd, an object
 * store with ETags. A subclass has a name and two methods. It keeps every rule of the contract, with locks and without
 * notices: a save names the beans that it changes, and servers that change different beans are merged.
 *
 * A session is one document, its name is the key of the session. A method reads it, decides, and replaces it; it begins
 * again when another server was faster. So a load that moves no end of life is one call, and a save is two.
 *
 * `read` and `replace` may answer at once or with a promise, and the methods of the store do the same. What they throw
 * becomes a `SessionStoreError`: after `read` nothing was applied, after `replace` that is unknown. A subclass that
 * knows more throws such an error itself.
 *
 * @typeParam Revision tells two versions of a document apart: a number, an ETag
 *
 * @example
 * ```ts
 * class TableSessionStore extends DocumentSessionStore {
 *   readonly name = 'table';
 *
 *   protected async read(name: string): Promise<DocumentRead<number>> {
 *     const row = await table.get(name);
 *     return { now: Date.now(), document: row && { text: row.text, revision: row.revision } };
 *   }
 *
 *   protected replace(name: string, { text, expiresAt, revision = 0 }: DocumentWrite<number>): Promise<boolean> {
 *     return table.putIf(name, { text, expiresAt, revision: revision + 1 }, { revision });
 *   }
 * }
 * ```
 * @see docs/stores/documents.md
 */
export abstract class DocumentSessionStore<Revision = number> implements SessionStore {
  abstract readonly name: string;
  readonly contract = 1;
  readonly shared = true;

  readonly locks: StoreLocks = {
    acquire: (access, { token, leaseMs }) => this.lock(access, token, leaseMs),
    release: (key, { token }) => this.unlock(key, token),
  };

  /** Reads the newest version of a document: a stale one, of a replica for example, breaks the contract. */
  protected abstract read(name: string): MaybePromise<DocumentRead<Revision>>;

  /** Atomic. @returns false, and changes nothing, when the document has another revision by now */
  protected abstract replace(name: string, document: DocumentWrite<Revision>): MaybePromise<boolean | 'limit'>;

  load(access: SessionAccess, { known, touchAfterMs }: LoadOptions = {}): MaybePromise<LoadResult> {
    return this.ifGranted<LoadResult>('load', access, (session, now) => {
      const { times } = session;
      const isNew = access.proof !== undefined && !times.confirmed;
      const isUsed = touchAfterMs !== undefined && (isNew || now - times.lastAccessedAt >= touchAfterMs);
      const next = isUsed ? usedSession(isNew ? joinedSession(session) : session, now) : undefined;
      const record = { ...documentRecord(session), expiresAt: expiryOf(next ?? session) };
      const answer: LoadResult =
        record.stamp === known ? { outcome: 'unchanged', times: record } : { outcome: 'found', record };
      return next ? { answer, next } : { answer };
    });
  }

  save(change: SessionChange): MaybePromise<SaveResult> {
    const { key } = change.mode === 'create' ? change : change.access;
    return this.decide<SaveResult>('save', key, (session, now, isMarked) => {
      // [S5] [I6] Before the access: a renewal that is sent again presents a proof that it has replaced itself.
      const stamp = session?.stamps?.find((each) => each.endsWith(`.${change.writeId}`));
      if (session && stamp) return { answer: savedAs(stamp, session) };
      if (change.mode === 'create') {
        if (session) return conflictWith(session);
        return isMarked ? GONE : saved(createdSession(change, now), change);
      }
      const check = session ? checkAccess(session.proof, session.history, change.access, now) : 'none';
      if (!session || check === 'none') return GONE;
      if (check === 'superseded') return { answer: { outcome: check } };
      assertKnownFormat(session);
      if (change.lock !== undefined && !holds(session, change.lock, now)) return { answer: { outcome: 'unlocked' } };
      const next = updatedSession(session, change, now);
      if (!next) return conflictWith(session);
      // A session that is the principal's already takes no other place.
      return next.history.logins > session.history.logins ? saved(next, change.renewal) : saved(next);
    });
  }

  touch(access: SessionAccess): MaybePromise<TouchResult> {
    return this.ifGranted<TouchResult>('touch', access, (session, now) => ({
      answer: { outcome: 'touched' },
      next: usedSession(session, now),
    }));
  }

  destroy(access: SessionAccess): MaybePromise<DestroyResult> {
    return this.decide<DestroyResult>('destroy', access.key, (session, now) => {
      // [I10] The key of nobody's session is marked, too: its creation may be on its way.
      if (!session) return then(this.refusal('destroy', access), (answer) => ({ answer, next: markFrom(now) }));
      const check = checkAccess(session.proof, session.history, access, now);
      return check === 'granted'
        ? { answer: { outcome: 'ended' }, next: markFrom(now) }
        : { answer: { outcome: check } };
    });
  }

  supersede({ key, proof }: ClientAccess): MaybePromise<void> {
    const looking = this.decide('save', key, (session) => ({ answer: session === undefined }));
    return then(looking, (isOver) =>
      isOver
        ? this.decide('save', `${key}.${proof}`, (_, now) => ({ answer: undefined, next: markFrom(now) }))
        : undefined,
    );
  }

  close(): MaybePromise<void> {}

  private lock(access: SessionAccess, token: string, leaseMs: number): MaybePromise<LockResult> {
    return this.ifGranted<LockResult>('lock', access, (session, now) => {
      const { lock } = session;
      if (lock && lock.token !== token && lock.until > now) return { answer: { outcome: 'held' } };
      return { answer: { outcome: 'locked' }, next: { ...session, lock: { token, until: now + leaseMs } } };
    });
  }

  private unlock(key: SessionKey, token: string): MaybePromise<void> {
    return this.decide('unlock', key, (session) =>
      session?.lock?.token === token ? { answer: undefined, next: { ...session, lock: undefined } } : NOTHING,
    );
  }

  /** Lets `on` decide if the caller gets at the session. */
  private ifGranted<T>(
    operation: Operation,
    access: SessionAccess,
    on: (session: SessionDocument, now: number) => Decision<T>,
  ): MaybePromise<T | Refused> {
    return this.decide<T | Refused>(operation, access.key, (session, now) => {
      if (!session) return then(this.refusal(operation, access), (answer) => ({ answer }));
      const check = checkAccess(session.proof, session.history, access, now);
      if (check !== 'granted') return { answer: { outcome: check } };
      assertKnownFormat(session);
      return on(session, now);
    });
  }

  /** The answer where there is no session. */
  private refusal(operation: Operation, { key, proof }: SessionAccess): MaybePromise<Refused> {
    if (proof === undefined) return { outcome: 'none' };
    return this.decide<Refused>(operation, `${key}.${proof}`, (_, _now, isMarked) => ({
      answer: { outcome: isMarked ? 'superseded' : 'none' },
    }));
  }

  /** Asks `on` again when somebody else has replaced the document meanwhile. */
  private decide<T>(operation: Operation, name: string, on: Decide<T>): MaybePromise<T> {
    const reading = this.failing(operation, false, () => this.read(name));
    return then(reading, ({ now, document }) => {
      const live = document && liveDocument(document.text, now);
      const [session, isMarked] = live && !isMark(live) ? [live, false] : [undefined, live !== undefined];
      return then(on(session, now, isMarked), ({ answer, next, limit }) => {
        if (!next) return answer;
        const expiresAt = isMark(next) ? next.markedUntil : expiryOf(next);
        const login = isMark(next) ? undefined : loginOf(next, limit?.mostSessions);
        const write = { text: JSON.stringify(next), expiresAt, revision: document?.revision, login };
        const replacing = this.failing(operation, 'unknown', () => this.replace(name, write));
        return then(replacing, (isReplaced) => {
          if (isReplaced === 'limit') return limit ? limit.answer : answer;
          return isReplaced ? answer : this.decide(operation, name, on);
        });
      });
    });
  }

  private failing<T>(
    operation: Operation,
    applied: SessionStoreError['applied'],
    call: () => MaybePromise<T>,
  ): MaybePromise<T> {
    const failed = (cause: unknown): never => {
      if (cause instanceof SessionStoreError || cause instanceof SessionStateError) throw cause;
      const problem = cause instanceof Error ? cause.message : String(cause);
      const isRead = applied === false || operation === 'load';
      throw new SessionStoreError({ store: this.name, operation, problem, applied: isRead ? false : applied, cause });
    };
    try {
      const answer = call();
      return isPromise(answer) ? answer.catch(failed) : answer;
    } catch (cause) {
      return failed(cause);
    }
  }
}

function saved(
  next: SessionDocument,
  { mostSessions }: { readonly mostSessions?: number | undefined } = {},
): Decision<SaveResult> {
  const limit = mostSessions === undefined ? undefined : { mostSessions, answer: LIMIT };
  return { answer: savedAs(stampOf(next), next), next, limit };
}

function loginOf(
  { history, times: { createdAt } }: SessionDocument,
  mostSessions: number | undefined,
): DocumentLogin | undefined {
  const { principal, authenticatedAt } = history;
  if (principal === undefined || authenticatedAt === undefined) return undefined;
  return { principal, authenticatedAt, createdAt, mostSessions };
}

function savedAs(stamp: string, session: SessionDocument): SaveResult {
  assertKnownFormat(session);
  return { outcome: 'saved', stamp, times: documentRecord(session) };
}

function conflictWith(session: SessionDocument): Decision<SaveResult> {
  assertKnownFormat(session);
  return { answer: { outcome: 'conflict', record: documentRecord(session) } };
}

function markFrom(now: number): Mark {
  return { markedUntil: now + MARKED_MS };
}

function holds({ lock }: SessionDocument, token: string, now: number): boolean {
  return lock?.token === token && lock.until > now;
}

/** Goes on at once with what is there at once. */
function then<T, U>(value: MaybePromise<T>, use: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return isPromise(value) ? value.then(use) : use(value);
}
