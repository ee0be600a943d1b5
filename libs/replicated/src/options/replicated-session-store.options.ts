import { Logger } from '@nestjs/common';
import { type Clock, type Completed, OptionChecks, systemClock } from 'nestjs-session-beans/store-kit';
import {
  MEMBER_NAME,
  refuseUnsuitedMembers,
  type ReplicationMember,
  requireSecret,
} from '../members/replication-member.js';
import type { ReplicationTransport } from '../transports/replication-transport.js';
import { type ReplicationEvent, ReplicationLog } from './replication-events.js';
import { type ReplicationTimers, systemTimers } from './replication-timers.js';

/** A Map of V8 holds 2^24 entries at most. */
const MOST_SESSIONS = 16_000_000;

const ONE_DAY_MS = 86_400_000;

/** Stands in place of a default. */
const REQUIRED = undefined as never;

/**
 * The options of a `ReplicatedSessionStore`. Durations are in milliseconds. An option that is left out has the default
 * written here; `nodeName` and `members` have none.
 *
 * @example
 * new ReplicatedSessionStore({
 *   nodeName: 's1',
 *   members: [
 *     { name: 's1', host: '10.0.0.1', port: 7001 },
 *     { name: 's2', host: '10.0.0.2', port: 7001 },
 *   ],
 *   secret: process.env.REPLICATION_SECRET,
 * })
 */
export class ReplicatedSessionStoreOptions {
  /** Name of this server, 1 to 32 letters and digits. It is one of the members, and the route in the cookie. */
  readonly nodeName: string = REQUIRED;

  /**
   * All servers of the group, this one included; or a function that finds them (DNS, a headless service of Kubernetes),
   * which is asked again every `refreshMembersMs`. A member that is not on the list any more is gone, and so are the
   * sessions that only it had.
   */
  readonly members: readonly ReplicationMember[] | (() => Promise<readonly ReplicationMember[]>) = REQUIRED;

  /** How often `members` is asked when it is a function. */
  readonly refreshMembersMs?: number | undefined = 5_000;

  /** Where this server listens. Left out, it is the host and port that the list of members has for it. */
  readonly listen?: { readonly host: string; readonly port: number } = undefined;

  /** Mutual TLS, as PEM texts. Each member's certificate has its name as DNS name, and is signed by `ca`. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } = undefined;

  /**
   * At least 16 bytes, the same on every member; required as soon as a member is beyond loopback. It signs the locators
   * in the cookies, and authenticates the members. It does not encrypt.
   */
  readonly secret?: string | undefined = undefined;

  /**
   * Used in place of Nest's TCP transport, for example `GrpcReplicationTransport`. `listen` and `tls` are its own
   * options then, and so is the `secret` of its connections; `secret` given here still signs locators.
   */
  readonly transport?: ReplicationTransport | undefined = undefined;

  /**
   * Decides about changes while no other member can take a copy. `degrade`: the session has one copy then. `reject`:
   * the change is answered with 503.
   */
  readonly onAlone?: 'degrade' | 'reject' | undefined = 'degrade';

  /**
   * Every change of owners needs the consent of more than half of the members, so that the two halves of a split
   * network cannot both go on with a session.
   */
  readonly quorum?: boolean | undefined = false;

  /** How long one call between members may take. */
  readonly callTimeoutMs?: number | undefined = 250;

  /** How often members look whether the others are there. */
  readonly heartbeatMs?: number | undefined = 100;

  /** A primary that has not heard from its backup for this long asks it before it answers. More than `heartbeatMs`. */
  readonly leaseMs?: number | undefined = 400;

  /** A member that has not answered for this long is lost: its copies are made anew elsewhere. At least `leaseMs`. */
  readonly lostAfterMs?: number | undefined = 1_000;

  /**
   * A member that has not answered for this long is gone: the sessions that only it had are lost. At least
   * `lostAfterMs`.
   */
  readonly goneAfterMs?: number | undefined = 60_000;

  /**
   * The most copies kept, primary and backup together; 1 to 16,000,000. On a full server new sessions take the place of
   * anonymous ones that it serves, and that nobody came back to or that are idle; those of users who came back stay. If
   * none may go, a new session is refused with 503. As many ends of sessions are remembered, and as many of those that
   * had to go.
   */
  readonly maxSessions?: number | undefined = 100_000;

  /**
   * The most bytes kept, in the same way. New sessions may use 90 % of it, so that living ones have room to grow.
   */
  readonly maxBytes?: number | undefined = 256 * 1024 * 1024;

  /** Is called with what happens to members and copies. Left out, warnings go to Nest's logger. */
  readonly onEvent?: ((event: ReplicationEvent) => void) | undefined = undefined;

  /** The source of the wall-clock time. A test gives a clock that it can move. */
  readonly clock?: Clock | undefined = systemClock;

  /** The source of monotonic time and of timers. For tests. */
  readonly timers?: ReplicationTimers | undefined = systemTimers;

  /** The source of random numbers from 0 to 1. For tests. */
  readonly random?: (() => number) | undefined = Math.random;
}

type WithoutDefault = 'listen' | 'tls' | 'secret' | 'transport' | 'onEvent';

export interface ResolvedReplicatedOptions extends Completed<ReplicatedSessionStoreOptions, WithoutDefault> {
  readonly onEvent: (event: ReplicationEvent) => void;

  /** Logs a warning. */
  readonly warn: (warning: string) => void;
}

export const replicatedOptionChecks = new OptionChecks('ReplicatedSessionStore');

/**
 * Fills in the defaults.
 * @throws SessionConfigurationError when an option cannot work
 */
export function resolveReplicatedOptions(given: ReplicatedSessionStoreOptions): ResolvedReplicatedOptions {
  const checks = replicatedOptionChecks;
  const options = checks.complete<ReplicatedSessionStoreOptions, WithoutDefault>(
    given,
    new ReplicatedSessionStoreOptions(),
  );
  const { nodeName, members, listen, secret, transport, onEvent, timers } = options;
  checks.text('nodeName', nodeName, MEMBER_NAME, '1 to 32 letters and digits');
  if (typeof members !== 'function') refuseUnsuitedMembers(checks, nodeName, members);
  if (listen !== undefined && transport !== undefined)
    throw checks.refusal('listen', listen, 'no value with a transport, which has its own');
  if (listen !== undefined) checkAddress(checks.within('listen'), listen);
  if (secret !== undefined && (typeof secret !== 'string' || Buffer.byteLength(secret) < 16))
    throw checks.secretRefusal('secret', secret, 'a text of at least 16 bytes');
  if (typeof members !== 'function') requireSecret(checks, secret, members);
  if (transport !== undefined)
    checks.methods('transport', transport, ['listen', 'call', 'close'], 'a ReplicationTransport');
  checks.oneOf('onAlone', options.onAlone, ['degrade', 'reject']);
  checks.flag('quorum', options.quorum);
  checks.wholeNumber('maxSessions', options.maxSessions, { least: 1, most: MOST_SESSIONS });
  checks.wholeNumber('maxBytes', options.maxBytes, { least: 1, unit: 'bytes' });
  checks.methods('clock', options.clock, ['now'], 'an object with a method now() that returns ms since 1970');
  checks.methods('timers', timers, ['now', 'after', 'afterTurn'], 'ReplicationTimers');
  checks.callback('random', options.random);
  if (onEvent !== undefined) checks.callback('onEvent', onEvent);
  checkDurations(options);
  const logger = new Logger('ReplicatedSessionStore');
  const warn = (warning: string): void => logger.warn(warning);
  const log = new ReplicationLog(warn, () => timers.now());
  return { ...options, onEvent: onEvent ?? ((event) => log.write(event)), warn };
}

function checkAddress(checks: OptionChecks, { host, port }: { readonly host: unknown; readonly port: unknown }): void {
  checks.text('host', host, /./, 'a host or an address');
  checks.wholeNumber('port', port, { least: 1, most: 65_535 });
}

function checkDurations(options: Completed<ReplicatedSessionStoreOptions, WithoutDefault>): void {
  const checks = replicatedOptionChecks;
  const { refreshMembersMs, callTimeoutMs, heartbeatMs, leaseMs, lostAfterMs, goneAfterMs } = options;
  const duration = (name: string, ms: number, least = 1, remark = ''): number =>
    checks.wholeNumber(name, ms, { least, most: ONE_DAY_MS, unit: 'milliseconds', remark });
  duration('refreshMembersMs', refreshMembersMs);
  duration('callTimeoutMs', callTimeoutMs);
  duration('heartbeatMs', heartbeatMs);
  // A member that was lost before its lease ends would go on answering beside the one that takes over.
  duration('leaseMs', leaseMs, heartbeatMs + 1, ' (more than heartbeatMs)');
  duration('lostAfterMs', lostAfterMs, leaseMs, ' (leaseMs or more)');
  duration('goneAfterMs', goneAfterMs, lostAfterMs, ' (lostAfterMs or more)');
}
