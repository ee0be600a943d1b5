import { type Clock, RecentKeys } from 'nestjs-session-beans/store-kit';
import { Eras } from '../copy/eras.js';
import { KeyMemory } from '../copy/key-memory.js';
import { KeyQueue } from '../copy/key-queue.js';
import { NewsLog } from '../copy/news-log.js';
import { Promises } from '../copy/promises.js';
import { Reservations } from '../copy/reservations.js';
import { ReplicaTable } from '../copy/replica-table.js';
import { Members } from '../members/members.js';
import type { ResolvedReplicatedOptions } from '../options/replicated-session-store.options.js';
import { ReplicationEvents } from '../options/replication-events.js';
import type { ReplicationTimers } from '../options/replication-timers.js';
import type { ReplicationTransport } from '../transports/replication-transport.js';
import { MemberCalls } from './member-calls.js';
import { PromiseRecovery } from './promise-recovery.js';

/** Largest message of the transport that the store makes itself. A session is sent whole when it changes its owners. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Promises are kept for as long as a session may be idle, and at least this long. */
const USUAL_IDLE_MS = 30 * 60_000;

/** [D2] [I15] How long a mark of a session that nobody has is kept at least, and how many are. */
const MARKED_MS = 60_000;
const MOST_MARKS = 50_000;

/** The parts of one member that all of its code shares. */
export interface ReplicationContext {
  readonly options: ResolvedReplicatedOptions;

  /** Name of this member. */
  readonly self: string;

  /** Names this process: `<when it started, base 36>-<random>`. */
  readonly process: string;

  /** By the monotonic clock. */
  readonly startedAt: number;
  readonly clock: Clock;
  readonly timers: ReplicationTimers;
  readonly table: ReplicaTable;
  readonly memory: KeyMemory;

  /** Which sessions are over because all sessions were ended. */
  readonly eras: Eras;

  /** For members that were cut off. */
  readonly news: NewsLog;

  /** [D2] Keys of sessions that nobody had when an end was asked for. */
  readonly refusedCreations: RecentKeys;

  /** [I15] Key and proof of ids whose session is over and whose client has logged in. */
  readonly superseded: RecentKeys;

  /** Logins under way of the principals whose logins this member counts. */
  readonly reservations: Reservations;

  readonly members: Members;
  readonly calls: MemberCalls;

  /** The limit of the transport; Infinity when it does not say. */
  readonly maxMessageBytes: number;
  readonly events: ReplicationEvents;

  /** This member shuts down: it begins nothing that would end with it. */
  isLeaving: boolean;

  /** The operations of this member, one after another for each session. */
  readonly queue: KeyQueue;

  /** With quorum: which epochs this member has granted to whom. */
  readonly promises: Promises | undefined;

  /** With quorum: finds out what an earlier process of this name had granted. */
  readonly recovery: PromiseRecovery | undefined;
}

/** @param transport the transport of this member, once it is open */
export function createReplicationContext(
  options: ResolvedReplicatedOptions,
  transport: () => ReplicationTransport,
): ReplicationContext {
  const { nodeName, clock, timers, random, callTimeoutMs, quorum } = options;
  const now = (): number => timers.now();
  const startedAt = now();
  const started = Math.max(0, Math.floor(clock.now())).toString(36);
  const process = `${started}-${Math.floor(random() * 2 ** 48).toString(36)}`;
  const table = new ReplicaTable(options);
  const members = new Members(nodeName, process, now);
  const events = new ReplicationEvents(options.onEvent);
  const calls = new MemberCalls(transport, timers, callTimeoutMs, events);
  const promises = quorum ? new Promises(now, () => Math.max(table.longestIdleMs, USUAL_IDLE_MS)) : undefined;
  return {
    options,
    self: nodeName,
    process,
    startedAt,
    clock,
    timers,
    table,
    memory: new KeyMemory(now),
    eras: new Eras(),
    reservations: new Reservations(),
    news: new NewsLog(options.maxSessions),
    refusedCreations: new RecentKeys(MARKED_MS, MOST_MARKS, clock.now()),
    superseded: new RecentKeys(MARKED_MS, MOST_MARKS, clock.now()),
    members,
    calls,
    maxMessageBytes: options.transport ? (options.transport.maxMessageBytes ?? Infinity) : MAX_MESSAGE_BYTES,
    events,
    isLeaving: false,
    queue: new KeyQueue(),
    promises,
    recovery: promises && new PromiseRecovery(startedAt, timers, members, calls, table, promises),
  };
}
