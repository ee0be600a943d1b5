import type { Clock } from 'nestjs-session-beans/store-kit';
import type { ReplicationMember } from './replication-member.js';
import type { ReplicationTimers } from './replication-timers.js';
import type { ReplicationTransport } from './replication-transport.js';

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

/** `session` is the 8-character hash that logs use. */
export type ReplicationEvent =
  | { readonly type: 'memberLost' | 'memberBack' | 'memberGone'; readonly member: string }
  /** This server has become the primary of a session that another one had. */
  | { readonly type: 'promoted'; readonly session: string; readonly from: string }
  /** Another server has become the primary of a session of this one. */
  | { readonly type: 'deposed'; readonly session: string; readonly by: string }
  /** A session has one copy only; it has two again. */
  | { readonly type: 'alone' | 'safe'; readonly session: string }
  /** All members that had the session have lost it. */
  | { readonly type: 'lost'; readonly session: string }
  /** After a split two members had gone on with one session; this is the one that yields. */
  | { readonly type: 'yielded'; readonly session: string; readonly to: string };
