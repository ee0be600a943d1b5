import { isLoopback, type OptionChecks } from 'nestjs-session-beans/store-kit';

/** One server of the group whose members keep copies of sessions for each other. */
export interface ReplicationMember {
  /**
   * 1 to 32 letters and digits, different for each member: the route of its sessions, and the name in its certificate.
   */
  readonly name: string;

  /** Host or address of its replication port. It must lead to that very process, not to a load balancer. */
  readonly host: string;
  readonly port: number;

  /** Rack, availability zone or the like. A session's backup is in another zone than its primary, if there is any. */
  readonly zone?: string;
}

/** Names that can stand between dots, in a cookie and in a certificate without quoting. */
export const MEMBER_NAME = /^[A-Za-z0-9]{1,32}$/;

export function isMemberName(name: unknown): name is string {
  return typeof name === 'string' && MEMBER_NAME.test(name);
}

/**
 * Refuses a group beyond loopback without a secret: nobody could tell the locators that clients bring along from forged
 * ones. TLS between the members does not help there.
 *
 * @throws SessionConfigurationError
 */
export function requireSecret(
  checks: OptionChecks,
  secret: string | undefined,
  members: readonly ReplicationMember[],
): void {
  const beyond = members.find(({ host }) => !isLoopback(host));
  if (secret !== undefined || !beyond) return;
  throw checks.secretRefusal(
    'secret',
    secret,
    `a text of at least 16 bytes, since member ${beyond.name} is at ${beyond.host}`,
  );
}

/**
 * Refuses a list that cannot be the list of a group to which `nodeName` belongs.
 * @throws SessionConfigurationError naming the member and what is allowed
 */
export function refuseUnsuitedMembers(checks: OptionChecks, nodeName: string, members: unknown): void {
  if (!Array.isArray(members))
    throw checks.refusal('members', members, 'a list of members, or a function that finds them');
  const names = new Set<string>();
  for (const [index, member] of (members as unknown[]).entries()) {
    if (typeof member !== 'object' || member === null)
      throw checks.refusal(`members[${index}]`, member, 'an object with name, host and port');
    const { name, host, port, zone } = member as Record<string, unknown>;
    const own = checks.within(`members[${index}]`);
    own.text('name', name, MEMBER_NAME, '1 to 32 letters and digits');
    if (names.has(name as string)) throw own.refusal('name', name, 'a name that no other member has');
    names.add(name as string);
    own.text('host', host, /./, 'a host or an address');
    own.wholeNumber('port', port, { least: 1, most: 65_535 });
    if (zone !== undefined) own.text('zone', zone, /^/, 'a text');
  }
  if (names.has(nodeName)) return;
  const known = [...names].join(', ') || 'nobody';
  throw checks.refusal('nodeName', nodeName, `the name of one of the members, which are ${known}`);
}
