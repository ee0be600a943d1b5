import type { ListName } from './mark-lists.js';
import type { NetworkWeather } from './network-weather.js';
import type { Promises } from './promises.js';
import type { SessionOperation } from './session-request.js';

export type ScheduleStep =
  | {
      readonly at: number;
      readonly do: 'ask';
      readonly client: number;
      readonly operation: SessionOperation;
      readonly lists: readonly ListName[];
      readonly thinkMs: number;
      /** To any member instead of the one that a balancer would take. */
      readonly isAstray: boolean;
    }
  | {
      readonly at: number;
      readonly do: 'crash' | 'start' | 'freeze' | 'resume' | 'leave';
      readonly member: number;
    }
  | {
      readonly at: number;
      readonly do: 'block';
      /** Pairs of members: nothing gets from the first to the second. */
      readonly links: readonly (readonly [number, number])[];
    }
  | { readonly at: number; readonly do: 'unblock' };

/** Everything about one run that does not depend on what the store does. */
export interface Schedule {
  readonly seed: number;
  readonly kind: string;
  readonly promises: Promises;
  readonly members: number;
  readonly sessions: number;
  /** Client i has session i modulo the number of sessions. */
  readonly clients: number;
  readonly weather: NetworkWeather;
  readonly settings: {
    readonly quorum: boolean;
    readonly onAlone: 'degrade' | 'reject';
    readonly secret?: string;
    readonly callTimeoutMs: number;
    readonly heartbeatMs: number;
    readonly leaseMs: number;
    readonly lostAfterMs: number;
    readonly goneAfterMs: number;
  };
  /** How far the clocks of members may be from the world's. */
  readonly skewMs: number;
  /** Whether calls wait a moment more after their member was frozen. */
  readonly isPatient: boolean;
  /** Whether the check at the end waits for the rounds that members make every 10 s. */
  readonly isLong: boolean;
  readonly steps: readonly ScheduleStep[];
}
