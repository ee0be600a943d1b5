import type { NetworkWeather } from './network-weather.js';
import type { Promises } from './promises.js';

export interface ScheduleKind {
  readonly name: string;
  /** Of all schedules. */
  readonly share: number;
  readonly promises: Promises;
  readonly quorum: boolean;
  readonly weather: NetworkWeather;

  /** `one`: a member goes down when the one before is back or its copies are made anew; `many`: at any time. */
  readonly down: 'one' | 'many';
  readonly hasPartitions: boolean;
}

const steady = { minDelayMs: 0.2, maxDelayMs: 20, loss: 0, repeated: 0.02, late: 0, lateMs: 4_000 } as const;
const rough = { minDelayMs: 0.2, maxDelayMs: 20, loss: 0.03, repeated: 0.03, late: 0.03, lateMs: 4_000 } as const;

export const scheduleKinds: readonly ScheduleKind[] = [
  {
    name: 'one member down at a time',
    share: 0.4,
    promises: { keepsAll: true, isOneLine: true, isFresh: true, mayYield: false },
    quorum: false,
    weather: steady,
    down: 'one',
    hasPartitions: false,
  },
  {
    name: 'quorum, partitions, lost and late messages, one member down at a time',
    share: 0.35,
    promises: { keepsAll: true, isOneLine: true, isFresh: true, mayYield: false },
    quorum: true,
    weather: rough,
    down: 'one',
    hasPartitions: true,
  },
  {
    name: 'partitions, lost and late messages, one member down at a time',
    share: 0.15,
    promises: { keepsAll: false, isOneLine: true, isFresh: false, mayYield: true },
    quorum: false,
    weather: rough,
    down: 'one',
    hasPartitions: true,
  },
  {
    name: 'many members down',
    share: 0.1,
    promises: { keepsAll: false, isOneLine: false, isFresh: false, mayYield: true },
    quorum: false,
    weather: steady,
    down: 'many',
    hasPartitions: false,
  },
];
