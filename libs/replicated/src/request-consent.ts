import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { handleGrant } from './handle-grant.js';
import type { ReplicationContext } from './replication-context.js';
import type { PromisedEpoch } from './promised-epoch.js';
import type { GrantAnswer } from './replication-message.js';

export interface Consent {
  readonly isGiven: boolean;

  /** What those who answered had granted before, above the epoch that the new one goes on from. */
  readonly before: readonly PromisedEpoch[];
}

/** With quorum: asks all members for the counter; more than half of all, this one included, have to say yes. */
export async function requestConsent(
  context: ReplicationContext,
  key: SessionKey,
  counter: number,
  of: number,
): Promise<Consent> {
  const { members, calls, self } = context;
  const message = { type: 'grant', key, counter, life: context.process, of } as const;
  const own = handleGrant(context, self, message);
  const answers = await Promise.all(
    members.others.map((peer) => calls.ask(peer, message).catch((): GrantAnswer => ({ type: 'no', before: [] }))),
  );
  const yes = [own, ...answers].filter(({ type }) => type === 'yes').length;
  return { isGiven: yes >= members.majority, before: [own, ...answers].flatMap(({ before }) => before) };
}
