import { isTombstone } from './is-tombstone.js';
import type { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { rendezvousOrder } from './rendezvous-order.js';
import { stateToWire } from './state-to-wire.js';

/**
 * Tells all members that a session has ended, so that no old copy of it is taken for a session, and no creation that comes late succeeds.
 *
 * @returns when the member has been told that would be the backup by the hash of the key, or does not answer; the others are told in the background
 */
export async function buryEverywhere(context: ReplicationContext, replica: Replica): Promise<void> {
  const { members, calls, clock } = context;
  const { key, counter, node, backup, state } = replica;
  if (!isTombstone(state)) return;
  const epoch = { counter, node, backup };
  const message = { type: 'bury', key, epoch, state: stateToWire(state), at: clock.now() } as const;
  const order = rendezvousOrder(
    key,
    members.others.map(({ member }) => member),
    members.zone,
  );
  const [first] = order.map(({ name }) => {
    const peer = members.get(name);
    return peer && calls.ask(peer, message).catch(() => undefined);
  });
  await first;
}
