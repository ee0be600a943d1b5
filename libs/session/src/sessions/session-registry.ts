import { SessionStateError } from '../errors/session-state.error.js';
import type { CurrentRequest } from '../request/current-request.js';
import type { PrincipalSessions } from '../request/principal-sessions.js';
import type { LabelKeeper, SessionLabels } from '../request/session-labels.js';
import { type SessionHandle, parseSessionHandle, sessionHandle } from '../store/session-handle.js';
import type { StoreDirectory } from '../store/store-directory.js';
import type { ListedSession } from '../store/store-principals.js';
import type { SessionEpoch } from '../request/session-epoch.js';

const DEFAULT_LIMIT = 20;
const MOST_LIMIT = 100;

/** A session of a user, as a list shows it. Times are in ms since 1970, by the clock of the store. */
export interface SessionInfo {
  /** Names the session to `revoke`. It is no credential: it may stand in a page and in an address. */
  readonly handle: SessionHandle;

  /** It is the session of the request that asks. */
  readonly current: boolean;

  /** When it began: before the login, or with it. */
  readonly createdAt: number;

  /** When the user logged in last. */
  readonly authenticatedAt: number;

  /** Last request that moved the end of life; not every request does (`touchIntervalMs`). */
  readonly lastAccessedAt: number;

  /** When it ends if no request comes any more. */
  readonly expiresAt: number;

  /** As the option `labels` gave them at the login; `{}` without that option. */
  readonly labels: SessionLabels;
}

/** One page of the sessions of a user. */
export interface SessionPage {
  /** The newest login first; logins of the same second may have any order. A page may be short, also empty. */
  readonly sessions: readonly SessionInfo[];

  /** Give it as `after` to get the next page. Undefined: there are no more. */
  readonly next: string | undefined;
}

/**
 * Lists the sessions of a user, and ends them. Injectable wherever `HttpSession` is.
 *
 * The user is always named, by the text that `login()` was given: a handle that comes out of an address ends nobody
 * else's session. What is ended is over on all servers at once; the event `ended` tells of it, with the reason
 * `revoked`, on the server that did it.
 *
 * An abstract class, so that a plain object can stand in for it in a unit test.
 *
 * @see docs/administration.md
 * @example
 * ```ts
 * @Delete('me/sessions/:handle')
 * @RequireLogin()
 * async end(@Param('handle') handle: string) {
 *   const user = this.session.principal as string;
 *   if (!(await this.registry.revoke(user, handle))) throw new NotFoundException();
 * }
 *
 * // The password was changed: all other devices have to log in again.
 * await this.registry.revokeAll(user, { except: this.session.handle });
 * ```
 */
export abstract class SessionRegistry {
  /**
   * The sessions to which the user is logged in now.
   *
   * @param page `limit`: 1 to 100 sessions, default 20; `after`: `next` of the page before
   * @throws SessionStateError for a limit that cannot be; SessionConfigurationError where the store cannot find the
   * sessions of a user; SessionStoreError
   */
  abstract list(
    principal: string,
    page?: { readonly limit?: number | undefined; readonly after?: string | undefined },
  ): Promise<SessionPage>;

  /**
   * Ends a session of the user. Works with every store.
   *
   * @param handle as `list` or `HttpSession.handle` gave it; any other text names no session
   * @returns false where the user has no such session: it is over, was never there, or is somebody else's
   * @throws SessionStoreError: then it is not known to have ended
   */
  abstract revoke(principal: string, handle: string): Promise<boolean>;

  /**
   * Ends all sessions of the user. One that logs in meanwhile may be ended or not.
   *
   * @param options `except`: the handle of a session that goes on
   * @returns how many have ended
   * @throws SessionConfigurationError, SessionStoreError: as `list`; then some may have ended
   */
  abstract revokeAll(principal: string, options?: { readonly except?: string | undefined }): Promise<number>;

  /**
   * Ends all sessions of all users and of nobody, however many there are: signing keys were stolen, for example. This
   * server lets nobody have one from now on, the others at most 5 seconds later (and `storeTimeoutMs`). Nobody is told
   * of each session, and no `onBeanDestroyed()` runs.
   *
   * @throws SessionConfigurationError where the store cannot do that; SessionStoreError
   */
  abstract revokeEverySession(): Promise<void>;
}

/** The one `SessionRegistry` of an application. */
export class ApplicationSessionRegistry extends SessionRegistry {
  constructor(
    private readonly current: CurrentRequest,
    private readonly directory: StoreDirectory,
    private readonly sessions: PrincipalSessions,
    private readonly labels: LabelKeeper,
    private readonly epoch: SessionEpoch,
  ) {
    super();
  }

  async list(
    principal: string,
    { limit = DEFAULT_LIMIT, after }: Parameters<SessionRegistry['list']>[1] = {},
  ): Promise<SessionPage> {
    requirePrincipal('list', principal);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_LIMIT) {
      const needed = `takes a limit that is a whole number from 1 to ${MOST_LIMIT}`;
      throw new SessionStateError('SessionRegistry.list', needed);
    }
    const page = { limit, after, parts: [this.labels.bean.name] };
    const { sessions, next } = await this.directory.list(principal, page);
    return { sessions: sessions.map((session) => this.infoOf(session)), next };
  }

  async revoke(principal: string, handle: string): Promise<boolean> {
    requirePrincipal('revoke', principal);
    const named = parseSessionHandle(handle);
    return named !== undefined && this.sessions.end(principal, named, 'revoked');
  }

  async revokeAll(principal: string, { except }: { readonly except?: string | undefined } = {}): Promise<number> {
    requirePrincipal('revokeAll', principal);
    const kept = except === undefined ? undefined : parseSessionHandle(except);
    if (except !== undefined && !kept) {
      throw new SessionStateError('SessionRegistry.revokeAll', 'takes except only as HttpSession.handle gives it');
    }
    return this.sessions.endAll(principal, kept, 'revoked');
  }

  async revokeEverySession(): Promise<void> {
    await this.epoch.begin();
  }

  private infoOf({ key, record }: ListedSession): SessionInfo {
    const { createdAt, authenticatedAt = createdAt, lastAccessedAt, expiresAt, logins } = record;
    return {
      handle: sessionHandle({ key, logins }),
      current: this.current.state?.live?.key === key,
      createdAt,
      authenticatedAt,
      lastAccessedAt,
      expiresAt,
      labels: this.labels.labelsIn(record),
    };
  }
}

/** An empty name would be a mistake of the caller, as when nobody is logged in: it must not pass for a user. */
function requirePrincipal(member: string, principal: unknown): void {
  if (typeof principal === 'string' && principal !== '') return;
  throw new SessionStateError(`SessionRegistry.${member}`, 'needs the principal, a text that is not empty');
}
