import { SessionBusyError } from '../errors/session-busy.error.js';
import { SessionEndedError } from '../errors/session-ended.error.js';
import { generateSessionId, sessionKeyOf } from '../store/session-id.js';
import { applyCommit } from '../live/apply-commit.js';
import { backOff } from '../live/back-off.js';
import { MAX_ATTEMPTS } from '../live/max-attempts.js';
import type { LiveSession } from '../live/live-session.js';
import type { LiveSessions } from '../live/live-sessions.js';
import type { Payloads } from '../live/payloads.js';
import { PendingCommit } from '../live/pending-commit.js';
import type { NewSession } from '../live/new-session.js';
import type { StoreGateway } from '../store/store-gateway.js';

/** What the old id's session was when it was last read. */
interface Ground {
  readonly payloads: Payloads;
  readonly stamp: string;
  readonly birth: NewSession;
}

export interface RenewedSession {
  readonly id: string;

  /** Acquired: release it. */
  readonly renewed: LiveSession;
}

/**
 * Lets a session go on under a new id, with the changes of the request that asks for it: creates the new one, then ends the old one if
 * nothing was stored under it meanwhile, else begins anew from that. Of several that end one session (renewals, logouts, on any
 * server) the store lets one succeed; the others find it ended. At no moment can a client reach both: the new id is handed out
 * after the old one is dead. Commits of other requests wait on this server, and are refused once the old id is dead.
 *
 * A failure leaves the old session as it was, and at worst a new one whose id nobody knows. Only if the reply of the store to the very
 * last step is lost, the session may be over: an id that might have been logged out is never handed out.
 *
 * @throws SessionEndedError when the session ended before; SessionBusyError, SessionConflictError, SessionStateError,
 * SessionStoreError
 */
export async function renewSession(
  live: LiveSession,
  commit: PendingCommit,
  maxBytes: number,
  store: StoreGateway,
  liveSessions: LiveSessions,
): Promise<RenewedSession> {
  // What it has read must be stored, or the new session would hold what never was.
  for (const dependency of commit.dependsOn) await dependency.done;
  return live.exclusively(async () => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const ground = (attempt === 1 && groundOf(live)) || (await reload(live, store));
      const renewed = await replace(live, ground, commit, maxBytes, store, liveSessions);
      if (renewed) return renewed;
      await backOff(attempt);
    }
    throw new SessionBusyError(
      `another server changed the session ${MAX_ATTEMPTS} times in a row while this one gave it a new id`,
    );
  });
}

/** @returns undefined when something was stored under the old id meanwhile, or it has ended */
async function replace(
  live: LiveSession,
  ground: Ground,
  commit: PendingCommit,
  maxBytes: number,
  store: StoreGateway,
  liveSessions: LiveSessions,
): Promise<RenewedSession | undefined> {
  const payloads = applyCommit(commit, ground.payloads, maxBytes);
  const id = generateSessionId();
  const lifetime = commit.lifetime ?? ground.birth.lifetime;
  const renewed = liveSessions.create(sessionKeyOf(id), { ...ground.birth, lifetime, payloads });
  let isOurs = false;
  try {
    const creation = new PendingCommit([]);
    renewed.commit(creation);
    await creation.done;
    try {
      isOurs = await store.destroy(live.key, ground.stamp);
    } catch (error) {
      live.distrust();
      throw error;
    }
    // A logout on this server that came meanwhile was about this session, whichever reached the store first.
    if (isOurs && live.isEnded) throw new SessionEndedError();
  } catch (error) {
    await discard(renewed, store, liveSessions);
    throw error;
  }
  if (!isOurs) {
    await discard(renewed, store, liveSessions);
    return undefined;
  }
  live.endRenewed();
  return { id, renewed };
}

function groundOf({ ground: { payloads, stamp }, lifetime, times }: LiveSession): Ground | undefined {
  return stamp === undefined ? undefined : { payloads, stamp, birth: { lifetime, createdAt: times?.createdAt } };
}

async function reload(live: LiveSession, store: StoreGateway): Promise<Ground> {
  // The answer goes into the new session, not into this one: if it is not replaced after all, the store must be asked.
  live.doubt();
  const result = await store.load(live.key);
  if (result.outcome !== 'found') {
    live.end();
    throw new SessionEndedError();
  }
  const { parts, stamp, lifetime, createdAt } = result.record;
  const payloads = new Map([...parts].map(([name, part]) => [name, part.payload]));
  return { payloads, stamp, birth: { lifetime, createdAt } };
}

/** Nobody knows its id; the store's answer does not matter. */
async function discard(renewed: LiveSession, store: StoreGateway, liveSessions: LiveSessions): Promise<void> {
  renewed.end();
  liveSessions.release(renewed);
  await store.destroy(renewed.key).catch(() => undefined);
}
