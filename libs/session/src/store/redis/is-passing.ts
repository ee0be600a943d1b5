/**
 * Faults of the server that go by: it is starting, failing over, or moving slots. NOSCRIPT is what ioredis gets for a script that it sent to a replica, which refused it:
 * it takes it for known there.
 */
const PASSING_REPLIES = /^(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|UNBLOCKED|NOSCRIPT)\b/;

/** Whether sending the same command again may help. An error the server answered with is final, but for those that go by. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'ReplyError' ? PASSING_REPLIES.test(error.message) : true;
}
