import { type SessionRisk, isLoopback, shortKeyRisk } from 'nestjs-session-beans/store-kit';
import type { Peer } from '../members/peer.js';
import type { ReplicatedSessionStoreOptions } from './replicated-session-store.options.js';

/**
 * Options of a replicated store that work, and endanger sessions. A transport of one's own has its own settings.
 *
 * @param others the other members as they are known now
 */
export function replicationRisks(
  { tls, secret, transport, quorum, onAlone }: ReplicatedSessionStoreOptions,
  others: readonly Pick<Peer, 'member'>[],
): SessionRisk[] {
  const risks: SessionRisk[] = secret === undefined ? [] : shortKeyRisk('secret of ReplicatedSessionStore', secret);
  if (!tls && !transport && others.some(({ member }) => !isLoopback(member.host))) {
    risks.push({
      code: 'replication-without-tls',
      severity: 'medium',
      meaning:
        'Members of the group are on other machines, and there is no TLS between them: the secret keeps others from ' +
        'changing messages, but whoever is on the way can read the sessions.',
      fix: 'Set tls, or encryptionKeys, or keep the members in a network that nobody else can reach.',
    });
  }
  if (!quorum && onAlone !== 'reject') {
    risks.push({
      code: 'replication-without-quorum',
      severity: 'low',
      meaning:
        'While the network between members is split, both sides may go on with a session; when they meet, what one ' +
        'of them has stored is lost.',
      fix: "With three members or more, set quorum: true. With two, onAlone: 'reject' answers changes with 503.",
    });
  }
  return risks;
}
