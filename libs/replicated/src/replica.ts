import { sessionExpiry, type SessionKey, type WheelEntry } from 'nestjs-session-beans/store-kit';
import { NO_BACKUP, type Owners } from './epoch.js';
import { isTombstone } from './is-tombstone.js';
import type { SessionState } from './session-state.js';
import type { Tombstone } from './tombstone.js';

/** Only who serves a session decides about its end, so that copies must not be gone before. */
const LONGER_AT_BACKUP_MS = 60_000;

/** [D2] How long an ended key stays ended. */
const TOMBSTONE_MS = 120_000;

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

  constructor(
    readonly key: SessionKey,
    readonly counter: number,
    readonly node: string,
    readonly backup: string,
    public seq: number,
    public state: SessionState | Tombstone,
    /** This member is the primary of the epoch. */
    readonly isOwn: boolean,
    /** Which life of the other owner has the other copy: see {@link Peer.bond}. */
    readonly bond: number,
    /** The epochs before this one: see `lineageAfter`. */
    readonly lineage: string,
  ) {}

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
