import { Logger } from '@nestjs/common';
import { type Clock, SessionConfigurationError, systemClock } from 'nestjs-session-beans/store-kit';
import type { ReplicatedSessionStoreOptions, ReplicationEvent } from './replicated-session-store.options.js';
import type { ReplicationMember } from './replication-member.js';
import type { ReplicationTimers } from './replication-timers.js';
import { systemTimers } from './system-timers.js';
import { refuseUnsuitedMembers } from './refuse-unsuited-members.js';
import { ReplicationLog } from './replication-log.js';

/** A Map of V8 holds 2^24 entries at most. */
const MOST_SESSIONS = 16_000_000;

const LONGEST_MS = 86_400_000;

type Timeouts = Required<
  Pick<
    ReplicatedSessionStoreOptions,
    'refreshMembersMs' | 'callTimeoutMs' | 'heartbeatMs' | 'leaseMs' | 'lostAfterMs' | 'goneAfterMs'
  >
>;

export interface ResolvedReplicatedOptions extends Timeouts {
  readonly nodeName: string;
  readonly members: ReplicatedSessionStoreOptions['members'];
  readonly listen: ReplicatedSessionStoreOptions['listen'];
  readonly tls: ReplicatedSessionStoreOptions['tls'];
  readonly secret: string | undefined;
  readonly transport: ReplicatedSessionStoreOptions['transport'];
  readonly onAlone: 'degrade' | 'reject';
  readonly quorum: boolean;
  readonly maxSessions: number;
  readonly maxBytes: number;
  readonly onEvent: (event: ReplicationEvent) => void;
  readonly clock: Clock;
  readonly timers: ReplicationTimers;
  readonly random: () => number;
  readonly warn: (warning: string) => void;
}

/** @throws SessionConfigurationError: one line naming option, value and what is allowed */
export function resolveReplicatedOptions(given: ReplicatedSessionStoreOptions): ResolvedReplicatedOptions {
  const {
    nodeName,
    members,
    refreshMembersMs = 5_000,
    listen,
    tls,
    secret,
    transport,
    onAlone = 'degrade',
    quorum = false,
    callTimeoutMs = 250,
    heartbeatMs = 100,
    leaseMs = 400,
    lostAfterMs = 1_000,
    goneAfterMs = 60_000,
    maxSessions = 100_000,
    maxBytes = 256 * 1024 * 1024,
    onEvent,
    clock = systemClock,
    timers = systemTimers,
    random = Math.random,
    ...others
  } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw refused(unknown, undefined, 'no such option');
  if (typeof nodeName !== 'string' || !/^[A-Za-z0-9]{1,32}$/.test(nodeName))
    throw refused('nodeName', nodeName, 'allowed are 1 to 32 letters and digits');
  refuseMembers(nodeName, members);
  if (listen !== undefined && transport !== undefined) throw refused('listen', 'given', 'the transport has its own');
  if (listen !== undefined && !isAddress(listen))
    throw refused('listen', 'given', 'allowed is { host, port }, the port from 1 to 65535');
  if (secret !== undefined && (typeof secret !== 'string' || Buffer.byteLength(secret) < 16))
    throw refused('secret', 'given', 'allowed is a text of at least 16 bytes');
  if (transport !== undefined && typeof (transport as { call?: unknown } | null)?.call !== 'function')
    throw refused('transport', transport, 'allowed is a ReplicationTransport');
  if (onAlone !== 'degrade' && onAlone !== 'reject')
    throw refused('onAlone', onAlone, "allowed is 'degrade' or 'reject'");
  if (typeof quorum !== 'boolean') throw refused('quorum', quorum, 'allowed is true or false');
  if (onEvent !== undefined && typeof onEvent !== 'function')
    throw refused('onEvent', onEvent, 'allowed is a function');
  const timeouts = { refreshMembersMs, callTimeoutMs, heartbeatMs, leaseMs, lostAfterMs, goneAfterMs };
  for (const [name, ms] of Object.entries(timeouts)) refuseUnlessWhole(name, ms, 1, LONGEST_MS);
  refuseUnlessWhole('maxSessions', maxSessions, 1, MOST_SESSIONS);
  refuseUnlessWhole('maxBytes', maxBytes, 1, Number.MAX_SAFE_INTEGER);
  // A member that could be lost before its lease ends would go on answering next to who takes over.
  if (leaseMs <= heartbeatMs)
    throw refused('leaseMs', leaseMs, `allowed is more than heartbeatMs, which is ${heartbeatMs}`);
  if (lostAfterMs < leaseMs)
    throw refused('lostAfterMs', lostAfterMs, `allowed is leaseMs, which is ${leaseMs}, or more`);
  if (goneAfterMs < lostAfterMs)
    throw refused('goneAfterMs', goneAfterMs, `allowed is lostAfterMs, which is ${lostAfterMs}, or more`);
  const logger = new Logger('ReplicatedSessionStore');
  const warn = (warning: string): void => logger.warn(warning);
  const log = new ReplicationLog(warn, () => timers.now());
  return {
    ...timeouts,
    nodeName,
    members,
    listen,
    tls,
    secret,
    transport,
    onAlone,
    quorum,
    maxSessions,
    maxBytes,
    onEvent: onEvent ?? ((event) => log.tell(event)),
    clock,
    timers,
    random,
    warn,
  };
}

function refuseMembers(nodeName: string, members: unknown): void {
  if (typeof members === 'function') return;
  if (!Array.isArray(members))
    throw refused('members', members, 'allowed is a list of members or a function that finds them');
  refuseUnsuitedMembers(nodeName, members as readonly ReplicationMember[]);
}

function isAddress({ host, port }: { readonly host: unknown; readonly port: unknown }): boolean {
  return (
    typeof host === 'string' &&
    host !== '' &&
    Number.isInteger(port) &&
    (port as number) > 0 &&
    (port as number) < 65_536
  );
}

function refuseUnlessWhole(name: string, value: unknown, least: number, most: number): void {
  if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return;
  throw refused(name, value, `allowed is a whole number from ${least} to ${most}`);
}

function refused(name: string, value: unknown, allowed: string): SessionConfigurationError {
  const shown = value === undefined || value === 'given' ? '' : ` is ${show(value)}`;
  return new SessionConfigurationError(`ReplicatedSessionStore option ${name}${shown}: ${allowed}`);
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value);
}
