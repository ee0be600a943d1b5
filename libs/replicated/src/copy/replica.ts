import {
  type EvictableEntry,
  ownText,
  sessionBytes,
  type SessionKey,
  type SessionRank,
} from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, type Epoch, NO_BACKUP, type Owners } from './epoch.js';
import { expiryOfState, hasExpired, rankOf, type SessionState } from './session-state.js';
import { generationOf, isTombstone, type Tombstone } from './tombstone.js';

/** Number of the state with which a session is created. */
export const FIRST_SEQ = 1;

/** Only the member that serves a session decides about its end, so copies elsewhere must not be gone before. */
const LONGER_AT_BACKUP_MS = 60_000;

/** The fields from which a {@link Replica} is made. */
export interface ReplicaFields extends Owners {
  readonly key: SessionKey;

  /** Number of the state within the session. Each change and each new epoch has a greater one. */
  readonly seq: number;
  readonly state: SessionState | Tombstone;

  /** This member is the primary of the epoch. */
  readonly isOwn: boolean;

  /**
   * Shows whether the other owner may have lost its copy since this one was made. At the primary it is the backup's
   * `Peer.incarnations` of that moment, elsewhere the primary's `Peer.processes`. -1 is never equal to either.
   */
  readonly partnerGeneration: number;

  /** The epochs before this one: see `lineageAfter`. */
  readonly lineage: string;

  /** This member is the primary, and no other one can have gone on with the session when the epoch began. */
  readonly isOneLine?: boolean;
}

/**
 * The copy of one session at one member. Each epoch has an object of its own, so code that holds one over an `await`
 * sees by its identity whether another epoch has begun here. Only the table changes its fields.
 */
export class Replica implements BegunEpoch, EvictableEntry<Replica> {
  slot = 0;
  previous: Replica | undefined = undefined;
  next: Replica | undefined = undefined;
  older: Replica | undefined = undefined;
  newer: Replica | undefined = undefined;
  listedAs: SessionRank = 'principal';

  /**
   * The copy has answered a claim. The member that claimed it may go on from the state it was told, so nothing is added
   * at this epoch any more. An acknowledgement needs both owners, so one fenced copy ends an epoch.
   */
  fenced = false;

  /** Another member has become the primary, and that was reported. */
  isDeposed = false;

  /**
   * By the monotonic clock. At a primary: when the last put was sent that the backup has taken; that is a lease until
   * the next pong. At other members: when the last put came.
   */
  confirmedAt = Number.NEGATIVE_INFINITY;

  /** Text of the locator for the present id, once a client was given it. */
  locator: string | undefined = undefined;

  readonly key: SessionKey;
  readonly counter: number;
  readonly node: string;
  readonly backup: string;
  readonly isOwn: boolean;
  readonly partnerGeneration: number;
  readonly lineage: string;
  readonly isOneLine: boolean;
  seq: number;
  state: SessionState | Tombstone;

  /** Size of the state as it counts against `maxBytes`. */
  bytes: number;

  constructor(fields: ReplicaFields) {
    this.key = ownText(fields.key);
    this.counter = fields.counter;
    this.node = fields.node;
    this.backup = fields.backup;
    this.isOwn = fields.isOwn;
    this.partnerGeneration = fields.partnerGeneration;
    this.lineage = fields.lineage;
    this.isOneLine = fields.isOneLine ?? false;
    this.seq = fields.seq;
    this.state = fields.state;
    this.bytes = sizeOf(fields.state);
  }

  get isAlone(): boolean {
    return this.backup === NO_BACKUP;
  }

  /** How often the session's id had been renewed. */
  get generation(): number {
    return generationOf(this.state);
  }

  /** The epoch in which that was done last; undefined when the id was never renewed, or the session has ended. */
  get renewedIn(): Epoch | undefined {
    return isTombstone(this.state) ? undefined : this.state.renewedIn;
  }

  /** When the session ends; for copies at other members, when they may be forgotten. */
  get expiresAt(): number {
    if (isTombstone(this.state)) return this.state.until;
    const end = Math.max(expiryOfState(this.state), this.state.lock?.until ?? 0);
    return end + (this.isOwn && !this.fenced ? 0 : LONGER_AT_BACKUP_MS);
  }

  /**
   * Only the primary gives a session up, and only where no branch of it can be elsewhere: an end counts more than
   * any copy, and somebody may have logged in there. All other copies go for nobody, as the session of a user.
   */
  get rank(): SessionRank {
    const { state } = this;
    return this.isOwn && !this.fenced && this.isOneLine && !isTombstone(state) ? rankOf(state) : 'principal';
  }

  get lastAccessedAt(): number {
    return isTombstone(this.state) ? 0 : this.state.lastAccessedAt;
  }

  get idleFrom(): number {
    const { state } = this;
    return isTombstone(state) ? Infinity : state.lastAccessedAt + state.lifetime.idleTimeoutMs / 2;
  }

  /** Who is logged in to the session. */
  get principal(): string | undefined {
    return isTombstone(this.state) ? undefined : this.state.identity.principal;
  }

  isExpired(now: number): boolean {
    return !isTombstone(this.state) && hasExpired(this.state, now);
  }
}

/** Bytes that count against `maxBytes`. A tombstone counts nothing. */
export function sizeOf(state: SessionState | Tombstone): number {
  return isTombstone(state) ? 0 : sessionBytes(state.parts);
}
