import { type SessionConflict, SessionConflictError } from '../errors/session-conflict.error.js';
import { SessionStateError } from '../errors/session-state.error.js';
import { type PendingCommit, failureOfReader } from './pending-commit.js';
import type { Payloads } from './stored-session.js';

/**
 * The state after a commit, given the state that others have brought about meanwhile. Parts that nobody else changed
 * are taken as they are; the others are merged field by field.
 *
 * @param maxBytes see `refuseTooLarge`
 * @throws SessionConflictError when both sides changed fields and no rule says what that means; the failure of a
 * commit that this one depends on; SessionStateError when a merge rule does not fit the values, or when the session
 * would become too large
 */
export function applyCommit(commit: PendingCommit, onto: Payloads, maxBytes: number): Payloads {
  for (const dependency of commit.dependsOn) {
    if (dependency.failure) throw failureOfReader(dependency.failure);
  }
  const result = new Map(onto);
  const conflicts: SessionConflict[] = [];
  for (const { bean, base, reference, mine } of commit.differences) {
    const theirs = onto.get(bean.name) ?? null;
    if (theirs === base) {
      result.set(bean.name, mine);
      continue;
    }
    // If the bean is gone (a failover has undone its creation), others' changes that `mine` contains are gone as well.
    const merged = bean.state.merge(reference, mine, theirs ?? bean.state.encode(bean.create()));
    if (merged.outcome === 'merged') result.set(bean.name, merged.payload);
    else for (const field of merged.fields) conflicts.push({ bean: bean.name, field });
  }
  if (conflicts.length > 0) throw new SessionConflictError(conflicts);
  refuseTooLarge(result, onto, maxBytes);
  return result;
}

/** Applies commits in order. Each that cannot be applied is refused with its own reason; the others are `kept`. */
export function applyCommits(
  commits: readonly PendingCommit[],
  onto: Payloads,
  maxBytes: number,
): { readonly kept: readonly PendingCommit[]; readonly payloads: Payloads } {
  let payloads = onto;
  const kept = commits.filter((commit) => {
    try {
      payloads = applyCommit(commit, payloads, maxBytes);
      return true;
    } catch (error) {
      commit.refuse(error as Error);
      return false;
    }
  });
  return { kept, payloads };
}

/**
 * Keeps a session within `maxSessionBytes` (UTF-8 bytes of all payloads). A session that is too large already, because
 * the limit was lowered, may still change as long as it does not grow.
 * @throws SessionStateError naming the largest bean, the size and the limit
 */
export function refuseTooLarge(payloads: Payloads, before: Payloads, maxBytes: number): void {
  let bound = 0;
  // A UTF-16 unit takes at most 3 bytes in UTF-8: nearly always this is enough to know.
  for (const payload of payloads.values()) bound += payload.length * 3;
  if (bound <= maxBytes) return;
  const { bytes, largest, most } = sizes(payloads);
  if (bytes <= maxBytes || bytes <= sizes(before).bytes) return;
  throw new SessionStateError(
    largest,
    `is ${most} bytes large and the session would have ${bytes}; maxSessionBytes allows ${maxBytes}`,
  );
}

function sizes(payloads: Payloads): { readonly bytes: number; readonly largest: string; readonly most: number } {
  let bytes = 0;
  let largest = '';
  let most = -1;
  for (const [name, payload] of payloads) {
    const size = Buffer.byteLength(payload);
    bytes += size;
    if (size > most) [largest, most] = [name, size];
  }
  return { bytes, largest, most };
}
