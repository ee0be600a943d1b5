import { sessionExpiry, type SessionKey, type WheelEntry } from 'nestjs-session-beans/store-kit';
import { NO_BACKUP, type Owners } from './epoch.js';
import { isTombstone, type Tombstone } from './tombstone.js';
import type { SessionState } from './session-state.js';

/** Number of the state with which a session is created; each change and each new epoch has a greater one. */
export const FIRST_SEQ = 1;

/** Only who serves a session decides about its end, so that copies must not be gone before. */
const LONGER_AT_BACKUP_MS = 60_000;

/** [D2] How long an ended key stays ended. */
const TOMBSTONE_MS = 120_000;

/** From which a {@link Replica} is made. */
export interface ReplicaFields extends Owners {
  readonly key: SessionKey;

  /** Number of the state within the session; each change and each new epoch has a greater one. */
  readonly seq: number;
  readonly state: SessionState | Tombstone;

  /** This member is the primary of the epoch. */
  readonly isOwn: boolean;

  /**
   * Tells whether the other owner may have lost its copy since. At the primary it is `incarnations` of the backup's {@link Peer} when this copy was made,
   * elsewhere `processes` of the primary's. -1 belongs to none.
   */
  readonly partnerGeneration: number;

  /** The epochs before this one: see `lineageAfter`. */
  readonly lineage: string;
}

/**
 * The copy of one session at one member. One object per epoch: who holds on to it over an await knows by its identity that no other epoch has
 * begun here. Its fields are changed by the table alone.
 */
export class Replica implements Owners, WheelEntry<Replica> {
  slot = 0;
  previous: Replica | undefined = undefined;
  next: Replica | undefined = undefined;

  /**
   * It has answered a claim: whoever claimed it may go on from what it was told, so nothing is added at this epoch any more. Each
   * acknowledgement needs both owners, so one fenced copy ends an epoch.
   */
  fenced = false;

  /** Another member has become its primary, and that was told. */
  isDeposed = false;

  /**
   * By the monotonic clock: at a primary, when the last put was sent that the backup has taken, which is a lease until the next pong; at others, when the last
   * put came.
   */
  confirmedAt = Number.NEGATIVE_INFINITY;

  /** Text of the locator once somebody was given it. */
  locator: string | undefined = undefined;

  readonly key: SessionKey;
  readonly counter: number;
  readonly node: string;
  readonly backup: string;
  readonly isOwn: boolean;
  readonly partnerGeneration: number;
  readonly lineage: string;
  seq: number;
  state: SessionState | Tombstone;

  constructor(fields: ReplicaFields) {
    this.key = fields.key;
    this.counter = fields.counter;
    this.node = fields.node;
    this.backup = fields.backup;
    this.isOwn = fields.isOwn;
    this.partnerGeneration = fields.partnerGeneration;
    this.lineage = fields.lineage;
    this.seq = fields.seq;
    this.state = fields.state;
  }

  get isAlone(): boolean {
    return this.backup === NO_BACKUP;
  }

  /** Of a session when it ends, of a copy or a tombstone when it may be forgotten. */
  get expiresAt(): number {
    if (isTombstone(this.state)) return this.state.endedAt + TOMBSTONE_MS;
    const end = Math.max(this.endsAt(this.state), this.state.lock?.until ?? 0);
    return end + (this.isOwn && !this.fenced ? 0 : LONGER_AT_BACKUP_MS);
  }

  isExpired(now: number): boolean {
    return !isTombstone(this.state) && this.endsAt(this.state) <= now;
  }

  private endsAt(state: SessionState): number {
    return sessionExpiry(state, state.lifetime);
  }
}
