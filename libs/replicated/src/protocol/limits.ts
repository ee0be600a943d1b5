import { sessionBytes } from 'nestjs-session-beans/store-kit';
import type { SessionState } from '../copy/session-state.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';

/** A message has the whole state, in UTF-8 and quoted twice: at worst it is twice as large as the state counts. */
export const MESSAGE_PER_STATE = 2;

/**
 * A session is sent whole when it changes its owners. One that is too large to be sent would stay with its owners even
 * when one of them is lost, so no session may get that large.
 *
 * @throws ReplicationFailure
 */
export function refuseTooLarge({ maxMessageBytes }: ReplicationContext, { parts }: SessionState): void {
  const most = Math.floor(maxMessageBytes / MESSAGE_PER_STATE);
  const bytes = sessionBytes(parts);
  if (bytes <= most) return;
  throw new ReplicationFailure(
    `the session would have ${bytes} bytes, and members can send each other ${most}, half of maxMessageBytes of the ` +
      'transport; lower maxSessionBytes of SessionModule, or raise maxMessageBytes on all members',
  );
}

/** @returns why a session may not have one copy only; undefined when it may */
export function obstacleToBeingAlone({ options, members, isLeaving }: ReplicationContext): string | undefined {
  if (options.onAlone === 'reject') return 'onAlone is reject';
  if (members.size === 1) return undefined;
  // A member that consents could take a copy as well.
  if (options.quorum) return 'quorum is on';
  return isLeaving ? 'this one shuts down' : undefined;
}
