import { type Clock, SessionConfigurationError, systemClock } from 'nestjs-session-beans/store-kit';
import { Logger } from '@nestjs/common';
import { type ReplicationEvent, ReplicationLog } from './replication-events.js';
import { isMemberName, refuseUnsuitedMembers, type ReplicationMember } from '../members/replication-member.js';
import { type ReplicationTimers, systemTimers } from './replication-timers.js';
import type { ReplicationTransport } from '../transports/replication-transport.js';

/** Options of `ReplicatedSessionStore`. Every duration is in milliseconds. */
export interface ReplicatedSessionStoreOptions {
  /** Name of this server, 1 to 32 letters and digits; one of the members, and the route in the cookie. */
  readonly nodeName: string;

  /**
   * All servers of the group, this one too; or a function that finds them (DNS, a Kubernetes headless service), asked again every
   * `refreshMembersMs`. A member that is not on the list any more is gone, and so is what only it had.
   */
  readonly members: readonly ReplicationMember[] | (() => Promise<readonly ReplicationMember[]>);

  /** Default 5000. */
  readonly refreshMembersMs?: number;

  /** Where this server listens; default: the host and port that the list of members has for it. */
  readonly listen?: { readonly host: string; readonly port: number };

  /** Mutual TLS, PEM texts. Each member's certificate has its name as DNS name, and is signed by `ca`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };

  /** At least 16 bytes, the same on every member: authenticates what members say without TLS, and signs locators. */
  readonly secret?: string;

  /** Instead of Nest's TCP transport, e.g. `GrpcReplicationTransport`. `listen`, `tls` and `secret` are its own then (`secret` still signs locators). */
  readonly transport?: ReplicationTransport;

  /** What a change means while no other member can take a copy. `degrade` (default): one copy has to do. `reject`: 503. */
  readonly onAlone?: 'degrade' | 'reject';

  /** Every change of owners needs the consent of more than half of the members: two halves of a split network cannot both go on. Default false. */
  readonly quorum?: boolean;

  /** How long one call between members may take. Default 250. */
  readonly callTimeoutMs?: number;

  /** How often members look whether the others are there. Default 100. */
  readonly heartbeatMs?: number;

  /** A primary that has not heard from its backup for this long asks before it answers. Default 400. */
  readonly leaseMs?: number;

  /** A member that has not answered for this long is lost: its copies are made anew elsewhere. Default 1000. */
  readonly lostAfterMs?: number;

  /** A member that has not answered for this long is gone: what only it had is lost. Default 60 000. */
  readonly goneAfterMs?: number;

  /** Bounds of this server, primary and backup copies together. Defaults 100 000 and 256 MiB. Beyond them new sessions are refused with 503. */
  readonly maxSessions?: number;
  readonly maxBytes?: number;

  /** Told what happens to copies and members. Default: Nest's logger, warnings only. */
  readonly onEvent?: (event: ReplicationEvent) => void;

  /** For tests. */
  readonly clock?: Clock;
  readonly timers?: ReplicationTimers;
  readonly random?: () => number;
}

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
  if (!isMemberName(nodeName)) throw refused('nodeName', nodeName, 'allowed are 1 to 32 letters and digits');
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
