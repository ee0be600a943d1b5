import { SessionEndedError } from '../errors/session-ended.error.js';
import { generateSessionId, sessionKeyOf } from '../store/session-id.js';
import { type Payloads, applyCommit } from './apply-commit.js';
import type { LiveSession, SessionBirth } from './live-session.js';
import type { LiveSessions } from './live-sessions.js';
import { PendingCommit } from './pending-commit.js';
import { refuseTooLarge } from './refuse-too-large.js';
import type { StoreGateway } from './store-gateway.js';

/** What the old id's session was when it was last read. */
interface Ground {
  readonly payloads: Payloads;
  readonly stamp: string | undefined;
  readonly birth: SessionBirth;
}

/**
 * Lets a session go on under a new id, with the changes of the request that asks for it: creates the new one, then ends the old one if
 * nothing was stored under it meanwhile, else begins anew from that. At no moment can a client reach both: the new id is handed out after
 * the old one is dead. From the first moment on, commits of other requests of the old id are refused on this server.
 *
 * A failure half way leaves the old session as it was, and at worst a new one whose id nobody knows.
 *
 * @throws SessionEndedError when the session ended before; SessionConflictError, SessionStateError, SessionStoreError
 */
export async function renewSession(
  live: LiveSession,
  commit: PendingCommit,
  maxBytes: number,
  store: StoreGateway,
  liveSessions: LiveSessions,
): Promise<{ readonly id: string; readonly renewed: LiveSession }> {
  await live.idle();
  if (live.isEnded) throw new SessionEndedError();
  const renewal = replace(groundOf(live), live.key, commit, maxBytes, store, liveSessions);
  live.end(renewal);
  try {
    return await renewal;
  } catch (error) {
    // The old id may still be good: the next request asks the store.
    liveSessions.forget(live);
    throw error;
  }
}

async function replace(
  from: Ground,
  oldKey: string,
  commit: PendingCommit,
  maxBytes: number,
  store: StoreGateway,
  liveSessions: LiveSessions,
): Promise<{ readonly id: string; readonly renewed: LiveSession }> {
  for (let ground = from; ; ) {
    const payloads = applyCommit(commit, ground.payloads);
    refuseTooLarge(payloads, maxBytes);
    const id = generateSessionId();
    const lifetime = commit.lifetime ?? ground.birth.lifetime;
    const renewed = liveSessions.create(sessionKeyOf(id), { ...ground.birth, lifetime, payloads });
    try {
      const whole = new PendingCommit([], [], undefined);
      renewed.commit(whole, maxBytes);
      await whole.done;
      if (await store.destroy(oldKey, ground.stamp)) return { id, renewed };
      ground = await reload(oldKey, store);
    } catch (error) {
      await discard(renewed, store, liveSessions);
      throw error;
    }
    await discard(renewed, store, liveSessions);
  }
}

function groundOf(live: LiveSession): Ground {
  return {
    payloads: live.snapshot().payloads,
    stamp: live.storedStamp,
    birth: { lifetime: live.lifetime, createdAt: live.times?.createdAt },
  };
}

async function reload(key: string, store: StoreGateway): Promise<Ground> {
  const result = await store.load(key);
  if (result.outcome !== 'found') throw new SessionEndedError();
  const { record } = result;
  const payloads = new Map([...record.parts].map(([name, part]) => [name, part.payload]));
  return { payloads, stamp: record.stamp, birth: { lifetime: record.lifetime, createdAt: record.createdAt } };
}

/** Nobody knows its id; the store's answer does not matter. */
async function discard(renewed: LiveSession, store: StoreGateway, liveSessions: LiveSessions): Promise<void> {
  renewed.end();
  liveSessions.release(renewed);
  await store.destroy(renewed.key).catch(() => undefined);
}
