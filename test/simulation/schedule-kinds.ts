import type { NetworkConditions } from './network-conditions.js';
import type { Promises } from './promises.js';

export interface ScheduleKind {
  readonly name: string;
  /** The share of this kind among all schedules. */
  readonly share: number;
  readonly promises: Promises;
  readonly quorum: boolean;
  readonly conditions: NetworkConditions;

  /**
   * `one`: a member goes down only when the one before is back or its copies are replaced. `many`: members go down at
   * any time. `none`: no member goes down.
   */
  readonly down: 'one' | 'many' | 'none';
  readonly hasPartitions: boolean;
}

const steady = { minDelayMs: 0.2, maxDelayMs: 20, loss: 0, repeated: 0.02, late: 0, lateMs: 4_000, halved: 0 } as const;
const rough = {
  minDelayMs: 0.2,
  maxDelayMs: 20,
  loss: 0.03,
  repeated: 0.03,
  late: 0.03,
  lateMs: 4_000,
  halved: 0.1,
} as const;

export const scheduleKinds: readonly ScheduleKind[] = [
  {
    name: 'one member down at a time',
    share: 0.35,
    promises: { keepsAll: true, isOneLine: true, settlesIds: 'always', isFresh: true, mayYield: false },
    quorum: false,
    conditions: steady,
    down: 'one',
    hasPartitions: false,
  },
  {
    name: 'quorum, partitions, lost and late messages, one member down at a time',
    share: 0.3,
    promises: { keepsAll: true, isOneLine: true, settlesIds: 'always', isFresh: true, mayYield: false },
    quorum: true,
    conditions: rough,
    down: 'one',
    hasPartitions: true,
  },
  {
    name: 'partitions, lost and late messages, one member down at a time',
    share: 0.15,
    promises: { keepsAll: false, isOneLine: true, settlesIds: 'never', isFresh: false, mayYield: true },
    quorum: false,
    conditions: rough,
    down: 'one',
    hasPartitions: true,
  },
  {
    name: 'partitions',
    share: 0.1,
    promises: { keepsAll: false, isOneLine: true, settlesIds: 'afterwards', isFresh: false, mayYield: true },
    quorum: false,
    conditions: steady,
    down: 'none',
    hasPartitions: true,
  },
  {
    name: 'many members down',
    share: 0.1,
    promises: { keepsAll: false, isOneLine: false, settlesIds: 'never', isFresh: false, mayYield: true },
    quorum: false,
    conditions: steady,
    down: 'many',
    hasPartitions: false,
  },
];
