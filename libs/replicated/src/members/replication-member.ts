import { SessionConfigurationError } from 'nestjs-session-beans/store-kit';

/** One server of the group that keeps sessions for each other. */
export interface ReplicationMember {
  /** 1 to 32 letters and digits, different for each member: the route of its sessions, and the name in its certificate. */
  readonly name: string;

  /** Where its replication port is. */
  readonly host: string;
  readonly port: number;

  /** Rack, availability zone or the like: a backup is chosen in another one if there is any. */
  readonly zone?: string;
}

/** Names that can be put between dots, into a cookie and into a certificate without quoting. */
export function isMemberName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z0-9]{1,32}$/.test(name);
}

/** @throws SessionConfigurationError when this cannot be the list of a group that `nodeName` belongs to */
export function refuseUnsuitedMembers(nodeName: string, members: readonly ReplicationMember[]): void {
  const names = new Set<string>();
  for (const member of members as readonly (ReplicationMember | null | undefined)[]) {
    const { name, host, port, zone } = member ?? {};
    if (!isMemberName(name)) throw refused(`a member is named ${show(name)}; allowed are 1 to 32 letters and digits`);
    if (names.has(name)) throw refused(`there are two members named '${name}'; names have to be different`);
    names.add(name);
    if (typeof host !== 'string' || host === '') throw refused(`member '${name}' has no host`);
    if (!Number.isInteger(port) || (port as number) < 1 || (port as number) > 65_535)
      throw refused(`member '${name}' has port ${show(port)}; allowed is a whole number from 1 to 65535`);
    if (zone !== undefined && typeof zone !== 'string') throw refused(`member '${name}' has a zone that is no text`);
  }
  if (!names.has(nodeName)) {
    const known = [...names].map((name) => `'${name}'`).join(', ') || 'nobody';
    throw refused(`nodeName '${nodeName}' is not among them: ${known}; add this server, or correct its name`);
  }
}

function refused(problem: string): SessionConfigurationError {
  return new SessionConfigurationError(`ReplicatedSessionStore option members: ${problem}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
