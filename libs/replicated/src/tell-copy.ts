import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { CopyFields } from './replication-message.js';
import { stateToWire } from './state-to-wire.js';

/** A copy for another member. */
export function tellCopy(
  { clock }: ReplicationContext,
  { counter, node, backup, seq, state, lineage }: Replica,
): CopyFields {
  return { counter, node, backup, seq, lineage, state: stateToWire(state), at: clock.now() };
}
