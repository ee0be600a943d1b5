import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { applyCommit } from '../live/apply-commit.js';
import { MAX_ATTEMPTS, backOff } from '../live/commit-queue.js';
import type { LiveSession } from '../live/live-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import { PendingCommit } from '../live/pending-commit.js';
import type { NewSession, Payloads } from '../live/stored-session.js';
import { generateSessionId, sessionKeyOf } from '../store/session-id.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** The session of the old id as it was last read. */
interface OldSession {
  readonly payloads: Payloads;
  readonly stamp: string;
  readonly beginning: NewSession;
}

export interface RenewedSession {
  readonly id: string;

  /** Acquired: release it. */
  readonly renewed: LiveSession;
}

/**
 * Lets sessions go on under a new id, with the changes of the request that asks for it: creates the new one, then ends
 * the old one if nothing was stored under it meanwhile, else begins anew from that. Of several calls that end one
 * session (renewals, logouts, on any server) the store lets one succeed; the others find it ended. At no moment can a
 * client reach both: the new id is handed out after the old one is dead. Commits of other requests wait on this server,
 * and are refused once the old id is dead.
 *
 * A failure leaves the old session as it was, and at worst a new one whose id nobody knows. If the reply of the store
 * to the very last step is lost, the session may be over: an id that might have been logged out is never handed out.
 */
export class SessionRenewal {
  constructor(
    private readonly gateway: StoreGateway,
    private readonly liveSessions: LiveSessions,
    private readonly maxSessionBytes: number,
  ) {}

  /**
   * @param commit the changes of the request
   * @throws SessionEndedError when the session ended before; SessionBusyError, SessionConflictError, SessionStateError,
   * SessionStoreError
   */
  async renew(live: LiveSession, commit: PendingCommit): Promise<RenewedSession> {
    // The new session contains what this unit of work has read: that must be stored first.
    for (const dependency of commit.dependsOn) await dependency.done;
    return live.exclusively(async () => {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        const old = (attempt === 1 && knownState(live)) || (await this.reload(live));
        const renewed = await this.replace(live, old, commit);
        if (renewed) return renewed;
        await backOff(attempt);
      }
      throw new SessionBusyError(
        `another server changed the session ${MAX_ATTEMPTS} times in a row while this one gave it a new id`,
      );
    });
  }

  /** @returns undefined when something was stored under the old id meanwhile, or when it has ended */
  private async replace(
    live: LiveSession,
    { payloads, stamp, beginning }: OldSession,
    commit: PendingCommit,
  ): Promise<RenewedSession | undefined> {
    const id = generateSessionId();
    const renewed = this.liveSessions.create(sessionKeyOf(id), {
      ...beginning,
      lifetime: commit.lifetime ?? beginning.lifetime,
      payloads: applyCommit(commit, payloads, this.maxSessionBytes),
    });
    let isOurs = false;
    try {
      await renewed.commit(new PendingCommit([]));
      isOurs = await this.destroyOld(live, stamp);
      // A logout on this server that came meanwhile was about this session, whichever reached the store first.
      if (isOurs && live.isEnded) throw new SessionEndedError();
    } catch (error) {
      await this.discard(renewed);
      throw error;
    }
    if (!isOurs) {
      await this.discard(renewed);
      return undefined;
    }
    live.isRenewed = true;
    live.end();
    return { id, renewed };
  }

  private async destroyOld(live: LiveSession, stamp: string): Promise<boolean> {
    try {
      return await this.gateway.destroy(live.key, stamp);
    } catch (error) {
      live.forgetStamp();
      throw error;
    }
  }

  private async reload(live: LiveSession): Promise<OldSession> {
    // The answer goes into the new session, not into this one. If this one stays after all, the store must be asked.
    live.untrustWatch();
    const result = await this.gateway.load(live.key);
    if (result.outcome !== 'found') {
      live.end();
      throw new SessionEndedError();
    }
    const { parts, stamp, lifetime, createdAt } = result.record;
    const payloads = new Map([...parts].map(([name, part]) => [name, part.payload]));
    return { payloads, stamp, beginning: { lifetime, createdAt } };
  }

  /** No client knows its id, so the store's answer does not matter. */
  private async discard(renewed: LiveSession): Promise<void> {
    renewed.end();
    this.liveSessions.release(renewed);
    await this.gateway.destroy(renewed.key).catch(() => undefined);
  }
}

/** Undefined when this server does not know the stamp of what it has. */
function knownState({ stored: { payloads, stamp, lifetime, times } }: LiveSession): OldSession | undefined {
  if (stamp === undefined) return undefined;
  return { payloads, stamp, beginning: { lifetime, createdAt: times?.createdAt } };
}
