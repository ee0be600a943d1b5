import { applyCommit } from './apply-commit.js';
import type { Payloads } from './payloads.js';
import type { PendingCommit } from './pending-commit.js';

/** Applies commits in order. Those that cannot be applied are refused, each with its own reason; the others are `kept`. */
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
