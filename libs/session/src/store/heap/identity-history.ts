import type { SessionRenewal } from '../session-change.js';
import type { SessionAccess } from '../session-id.js';

/** [I2] How long a former proof is recognised, and how many of a session are at a time. */
const RECOGNISED_MS = 120_000;
const MOST_FORMER = 4;

/** A proof that opens nothing any more. */
interface FormerProof {
  readonly proof: string;

  /** When it was replaced, in ms since 1970. */
  readonly replacedAt: number;
}

/**
 * The history of a session's ids: all of its identity but the present proof. It is never changed: a renewal makes a new
 * one, and all sessions without renewal and login share `ANONYMOUS`.
 */
export interface IdentityHistory {
  readonly generation: number;
  readonly logins: number;
  readonly principal: string | undefined;
  readonly authenticatedAt: number | undefined;

  /** Newest first. */
  readonly former: readonly FormerProof[];
}

/** The history of a session that was never renewed and to which nobody has logged in. */
export const ANONYMOUS: IdentityHistory = Object.freeze({
  generation: 0,
  logins: 0,
  principal: undefined,
  authenticatedAt: undefined,
  former: Object.freeze([]),
});

/** [S8] The history of a new session. */
export function newHistory(principal: string | undefined, now: number): IdentityHistory {
  return principal === undefined ? ANONYMOUS : { ...ANONYMOUS, logins: 1, principal, authenticatedAt: now };
}

/**
 * [I3] [I14] The history after a renewal.
 * @param proof the one that is replaced
 */
export function renewedHistory(
  history: IdentityHistory,
  proof: string,
  { principal }: SessionRenewal,
  now: number,
): IdentityHistory {
  const former = [{ proof, replacedAt: now }, ...history.former.filter((each) => isRecognised(each, now))];
  const renewed = { ...history, generation: history.generation + 1, former: former.slice(0, MOST_FORMER) };
  if (principal === undefined) return renewed;
  const logins = principal === history.principal ? history.logins : history.logins + 1;
  return { ...renewed, logins, principal, authenticatedAt: now };
}

/** What a store answers to a call, as far as that depends on what the caller knows: [I1], [I2], [I7]. */
export type AccessCheck = 'granted' | 'superseded' | 'none';

/** Whether what the caller knows opens the session. Proofs are hashes of 256 random bits: nobody can guess at one. */
export function checkAccess(proof: string, history: IdentityHistory, access: SessionAccess, now: number): AccessCheck {
  if (access.proof === undefined) return access.logins === history.logins ? 'granted' : 'none';
  if (access.proof === proof) return 'granted';
  const isFormer = history.former.some((each) => each.proof === access.proof && isRecognised(each, now));
  return isFormer ? 'superseded' : 'none';
}

function isRecognised({ replacedAt }: FormerProof, now: number): boolean {
  return now - replacedAt < RECOGNISED_MS;
}
