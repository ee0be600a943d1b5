import { type AccessCheck, checkAccess, type SessionAccess } from 'nestjs-session-beans/store-kit';
import { type SessionState, stampOfWrite } from './session-state.js';

/**
 * Shows that a caller may use a session. Members pass it on to each other: a member that has no copy, or an old one,
 * cannot compare it itself. One field is enough.
 */
export interface Evidence {
  /** Proof of an id. */
  readonly proof?: string;

  /** Of the application itself: see `SessionAccess`. */
  readonly logins?: number;

  /** [I6] Names a change that may have been applied already, and may have replaced the proof. */
  readonly writeId?: string;

  /** Token of the session's lock, to give it back. */
  readonly lock?: string;
}

export function evidenceOf({ proof, logins }: SessionAccess): Evidence {
  return proof === undefined ? { logins } : { proof };
}

/** Whether a caller with this evidence may use the session. Write ids are looked for last: there may be many. */
export function checkEvidence(state: SessionState, evidence: Evidence, now: number): AccessCheck {
  const { proof, logins, writeId, lock } = evidence;
  const access = { key: '', proof, logins } as SessionAccess;
  const check = checkAccess(state.proof, state.identity, access, now);
  if (check === 'granted' || (lock !== undefined && state.lock?.token === lock)) return 'granted';
  return writeId !== undefined && stampOfWrite(state, writeId) !== undefined ? 'granted' : check;
}
