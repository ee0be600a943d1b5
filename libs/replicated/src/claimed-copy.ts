import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { Owners } from './epoch.js';
import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';

/** A copy that a member, or this one, told of and has fenced. */
export interface ClaimedCopy extends Owners {
  readonly key: SessionKey;

  /** Name of the member that has it. */
  readonly holder: string;

  /** Names its process; undefined when it was not asked. */
  readonly holderLife: string | undefined;
  readonly seq: number;
  readonly lineage: string;
  readonly state: SessionState | Tombstone;

  /** Somebody had claimed it before. */
  readonly wasFenced: boolean;

  /** Names the process of the primary that put it, if the holder still knows that one. */
  readonly primaryLife: string | undefined;

  /** The holder was given it then or later, by this member's monotonic clock. */
  readonly putAt: number;

  /** The holder heard of the primary then, by this member's monotonic clock: there may be a lease from that moment. */
  readonly primaryHeardAt: number;
}
