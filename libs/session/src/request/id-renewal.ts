import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { SessionLimitError } from '../errors/session-limit.error.js';
import { applyCommit } from '../live/apply-commit.js';
import { LOCK_LOST, MAX_ATTEMPTS, backOff } from '../live/commit-queue.js';
import type { LiveSession } from '../live/live-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { PendingCommit } from '../live/pending-commit.js';
import { keptParts } from '../live/stored-session.js';
import { accessOf, renewedSessionId } from '../store/session-id.js';
import type { SaveResult } from '../store/session-store.js';
import type { StoreGateway } from '../store/store-gateway.js';
import type { PendingLogin } from './pending-actions.js';

export interface RenewedSession {
  readonly id: string;

  /** Acquired: release it. */
  readonly renewed: LiveSession;
}

/**
 * Gives sessions a new id, with the changes of the request that asks for it: one save, which the store applies only
 * while the id that the request came with is the valid one. Of several renewals at once, on any server, one succeeds;
 * the others find their id superseded. At no moment do both ids open the session, or neither.
 *
 * To this server the session under its new id is another live session: requests that began under the former id keep
 * theirs, which has ended, and neither see nor change what comes after.
 *
 * If the store fails, the new id is thrown away, and nobody knows whether it is the valid one. A client that finds its
 * id superseded can log in at once.
 */
export class IdRenewal {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly maxSessionBytes: number,
  ) {}

  /**
   * @param commit the changes of the request
   * @param login the login that asks for the new id, if one does
   * @throws SessionEndedError when the session has ended, or has another id by now (then `live.isRenewed`);
   * SessionBusyError, SessionConflictError, SessionStateError, SessionStoreError
   */
  async renew(live: LiveSession, commit: PendingCommit, login?: PendingLogin): Promise<RenewedSession> {
    // The session contains what this unit of work has read: that must be stored first.
    for (const dependency of commit.dependsOn) await dependency.doneForReader();
    return live.exclusively(async () => {
      const id = renewedSessionId(live.key);
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const renewed = await this.attempt(live, id, commit, login);
        if (renewed) return { id, renewed };
        await backOff(attempt);
      }
      throw new SessionBusyError(
        `another server changed the session ${MAX_ATTEMPTS} times in a row while this one gave it a new id`,
      );
    });
  }

  /** @returns undefined when another server has changed the session meanwhile */
  private async attempt(
    live: LiveSession,
    id: string,
    commit: PendingCommit,
    login: PendingLogin | undefined,
  ): Promise<LiveSession | undefined> {
    // After a failure this server does not know what is stored.
    if (live.stored.stamp === undefined) await live.bringUp();
    if (live.isEnded) throw new SessionEndedError();
    const access = accessOf(id);
    const { principal, mostSessions, keep } = login ?? NO_LOGIN;
    const renewal = { proof: access.proof, principal, mostSessions, keep };
    const target = applyCommit(commit, keptParts(live.stored.payloads, renewal.keep), this.maxSessionBytes);
    const result = await this.save(live, live.stored.changeTo(target, commit.lifetime, commit.lock, renewal));
    switch (result.outcome) {
      case 'conflict':
        live.adopt(result);
        return undefined;
      case 'unlocked':
        throw new SessionBusyError(LOCK_LOST);
      case 'limit':
        throw new SessionLimitError();
      case 'superseded':
      case 'gone':
        live.endAs(result.outcome);
        throw new SessionEndedError();
      case 'saved': {
        // A logout on this server that came meanwhile was about this session. A login is another one; and that another
        // request has found the former id replaced, before this answer came, is the doing of this renewal.
        const isDecided = !live.isEnded || live.isRenewed || login !== undefined;
        if (!isDecided && (await live.hasEnded())) throw new SessionEndedError();
        const record = live.stored.renewed(renewal, target, commit.lifetime, result);
        const renewed = this.liveSessions.renewed(access, record, result);
        // Another server has stored parts that are not known here.
        if (renewal.keep?.length !== 0 && !live.stored.isNext(result.stamp)) renewed.forgetStamp();
        live.endAs('superseded');
        return renewed;
      }
    }
  }

  private async save(live: LiveSession, change: Parameters<StoreGateway['save']>[0]): Promise<SaveResult> {
    try {
      return await this.gateway.save(change);
    } catch (error) {
      live.forgetStamp();
      throw error;
    }
  }
}

const NO_LOGIN = { principal: undefined, mostSessions: undefined, keep: undefined };
