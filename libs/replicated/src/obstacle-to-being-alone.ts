import type { ReplicationContext } from './replication-context.js';

/** What stands against having one copy of a session only, if anything. */
export function obstacleToBeingAlone({ options, members, isLeaving }: ReplicationContext): string | undefined {
  if (options.onAlone === 'reject') return 'onAlone is reject';
  if (members.size === 1) return undefined;
  // Whoever consents could take a copy.
  if (options.quorum) return 'quorum is on';
  return isLeaving ? 'this one shuts down' : undefined;
}
