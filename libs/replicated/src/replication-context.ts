import type { Clock } from 'nestjs-session-beans/store-kit';
import type { KeyQueue } from './key-queue.js';
import type { KeyMemory } from './key-memory.js';
import type { MemberCalls } from './member-calls.js';
import type { Members } from './members.js';
import type { Promises } from './promises.js';
import type { ReplicaTable } from './replica-table.js';
import type { ReplicationEvents } from './replication-events.js';
import type { ReplicationTimers } from './replication-timers.js';
import type { ResolvedReplicatedOptions } from './resolve-replicated-options.js';

/** What the parts of one member share. */
export interface ReplicationContext {
  readonly options: ResolvedReplicatedOptions;

  /** Name of this member. */
  readonly self: string;

  /** Names this process: `<when it started, base 36>-<random>`. */
  readonly process: string;
  readonly startedAt: number;
  readonly clock: Clock;
  readonly timers: ReplicationTimers;
  readonly table: ReplicaTable;
  readonly memory: KeyMemory;
  readonly members: Members;
  readonly calls: MemberCalls;

  /** Of the transport; Infinity when it does not say. */
  readonly maxMessageBytes: number;
  readonly events: ReplicationEvents;

  /** This member shuts down: it begins nothing that would end with it. */
  isLeaving: boolean;

  /** The operations of this member, one after another for each session. */
  readonly queue: KeyQueue;

  /** With quorum: to whom this member has granted which epoch. */
  readonly promises: Promises | undefined;

  /** With quorum: whether this process knows what an earlier one of its name has granted, and how it finds out. */
  readonly recall: { readonly isDone: boolean; run(): Promise<void> } | undefined;
}
