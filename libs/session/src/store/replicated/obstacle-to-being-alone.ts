import type { ReplicationContext } from './replication-context.js';

/** What stands against having one copy of a session only, if anything. */
export function obstacleToBeingAlone({ options, members, isLeaving }: ReplicationContext): string | undefined {
  if (options.whenAlone === 'refuse') return 'whenAlone is refuse';
  return isLeaving && members.size > 1 ? 'this one shuts down' : undefined;
}
