import { SessionConflictError } from '../errors/session-conflict.error.js';
import type { Payloads } from './payloads.js';
import type { PendingCommit } from './pending-commit.js';
import { refuseTooLarge } from './refuse-too-large.js';

/**
 * The state after a commit, given the state that others have brought about meanwhile. Parts that nobody else changed are
 * taken as they are; the others are merged field by field.
 *
 * @throws SessionConflictError when both sides changed a field and no rule says what that means;
 * the failure of a commit that this one depends on; SessionStateError when a merge rule does not fit the values, or the
 * session would become too large
 */
export function applyCommit(commit: PendingCommit, onto: Payloads, maxBytes: number): Payloads {
  for (const dependency of commit.dependsOn) {
    if (dependency.failure) throw dependency.failure;
  }
  const result = new Map(onto);
  for (const { bean, base, reference, mine } of commit.differences) {
    const theirs = onto.get(bean.name) ?? null;
    if (theirs === base) {
      result.set(bean.name, mine);
      continue;
    }
    // One that is gone (a failover has undone its creation) is what it was before: others' changes in `mine` are gone, too.
    const merged = bean.state.merge(reference, mine, theirs ?? bean.state.encode(bean.create()));
    if (merged.outcome === 'conflict') throw new SessionConflictError(bean.name, merged.field);
    result.set(bean.name, merged.payload);
  }
  refuseTooLarge(result, onto, maxBytes);
  return result;
}
