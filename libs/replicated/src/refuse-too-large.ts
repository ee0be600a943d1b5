import { sessionBytes } from 'nestjs-session-beans/store-kit';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';
import type { SessionState } from './session-state.js';

/** A message has the whole state, in UTF-8 and quoted twice: at worst twice what it is charged for. */
const MESSAGE_PER_STATE = 2;

/**
 * A session is sent whole when it changes its owners. One that could not be would stay with owners of which one may be lost, so it does not get that large.
 *
 * @throws ReplicationFailure
 */
export function refuseTooLarge({ maxMessageBytes }: ReplicationContext, { parts }: SessionState): void {
  const most = Math.floor(maxMessageBytes / MESSAGE_PER_STATE);
  const bytes = sessionBytes(parts);
  if (bytes <= most) return;
  throw new ReplicationFailure(
    `the session would have ${bytes} bytes, and members can send each other ${most}, half of maxMessageBytes of the transport; ` +
      'lower maxSessionBytes of SessionModule, or raise maxMessageBytes on all members',
  );
}
