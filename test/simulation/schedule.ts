import type { ListName } from './mark-lists.js';
import type { NetworkConditions } from './network-conditions.js';
import type { Promises } from './promises.js';
import type { Intrusion, SessionOperation } from './session-request.js';

export type ScheduleStep =
  | {
      readonly at: number;
      readonly do: 'ask';
      readonly client: number;
      readonly operation: SessionOperation;
      readonly lists: readonly ListName[];
      readonly thinkMs: number;
      /** The request goes to a random member instead of the one that a balancer would choose. */
      readonly isMisrouted: boolean;
    }
  | {
      readonly at: number;
      readonly do: 'intrude';
      readonly client: number;

      /**
       * `guess`: by somebody who knows the name of the session, and no id. `former`: with a former id, if there is one.
       * `forge`: with the valid id, and a locator of an epoch that does not exist.
       */
      readonly with: 'guess' | 'former' | 'forge';
      readonly operation: Intrusion['operation'];
    }
  | {
      readonly at: number;
      readonly do: 'crash' | 'start' | 'freeze' | 'resume' | 'leave';
      readonly member: number;
    }
  | {
      readonly at: number;
      readonly do: 'block';
      /** Pairs of members. Nothing gets from the first of a pair to the second. */
      readonly links: readonly (readonly [number, number])[];
    }
  | { readonly at: number; readonly do: 'unblock' }
  | {
      readonly at: number;
      /** Begins so many sessions that nobody comes back to, for a user who has logged in or for a stranger. */
      readonly do: 'flood';
      readonly member: number;
      readonly count: number;
      readonly isUser: boolean;
    };

/** One run of the simulation, as far as it does not depend on the store. */
export interface Schedule {
  readonly seed: number;
  readonly kind: string;
  readonly promises: Promises;
  readonly members: number;
  readonly sessions: number;
  /** The number of clients. Client i uses session i modulo the number of sessions. */
  readonly clients: number;
  /** The clients that keep their ids when others get a new one. */
  readonly thieves: readonly number[];
  readonly conditions: NetworkConditions;
  readonly settings: {
    readonly quorum: boolean;
    readonly onAlone: 'degrade' | 'reject';
    readonly secret?: string;
    readonly callTimeoutMs: number;
    readonly heartbeatMs: number;
    readonly leaseMs: number;
    readonly lostAfterMs: number;
    readonly goneAfterMs: number;

    /** Present where members are full most of the time, and have to give sessions up. */
    readonly maxSessions?: number;
  };
  /** The clocks of members differ from the simulation's by up to this many milliseconds. */
  readonly skewMs: number;
  /** The longest turn of a member's event loop. Messages of one turn to one member travel together. */
  readonly turnMs: number;
  /** Tells whether a call that was due while its member was frozen waits a moment longer for its answer. */
  readonly isPatient: boolean;
  /** Tells whether the check at the end waits for the clean-up that members make every 10 s. */
  readonly isLong: boolean;
  readonly steps: readonly ScheduleStep[];
}
