import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { ReplicationMember } from './replication-member.js';

/**
 * The members in the order in which they are to be the backup of a session: highest random weight first. All members
 * come to the same order without asking each other, and a member that leaves moves only the sessions that it had.
 * Members in another zone come first.
 *
 * @param zone the zone of the member that asks
 */
export function rendezvousOrder(
  key: SessionKey,
  members: readonly ReplicationMember[],
  zone: string | undefined,
): readonly ReplicationMember[] {
  const weighed = members.map((member) => ({
    member,
    near: zone !== undefined && member.zone === zone ? 1 : 0,
    weight: weightOf(key, member.name),
  }));
  weighed.sort((a, b) => a.near - b.near || b.weight - a.weight || (a.member.name < b.member.name ? -1 : 1));
  return weighed.map(({ member }) => member);
}

/** FNV-1a, and the last mixing step of MurmurHash. The keys are random already, the names are not. */
function weightOf(key: SessionKey, name: string): number {
  let hash = 0x811c9dc5;
  for (const text of [name, key]) {
    for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
