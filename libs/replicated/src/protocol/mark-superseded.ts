import type { ClientAccess } from 'nestjs-session-beans/store-kit';
import type { ReplicationContext } from './replication-context.js';

/**
 * [I15] Tells all members that the client of a session which is over has logged in. Members that do not answer are left
 * out: requests with that id may start a session there.
 */
export async function markSuperseded(context: ReplicationContext, { key, proof }: ClientAccess): Promise<void> {
  const { members, calls, superseded, clock } = context;
  superseded.add(`${key} ${proof}`, clock.now());
  const message = { type: 'supersede', key, proof } as const;
  await Promise.all(members.others.map((peer) => calls.ask(peer, message).catch(() => undefined)));
}
