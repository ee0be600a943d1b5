import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { ReplicationMember } from './replication-member.js';

/** After a call that was not answered, others to the same member fail at once for so long. */
const SUSPECTED_MS = 1_000;

/** Pings that nobody listened to, one after another, until a member counts as lost. */
const REFUSED_BEATS = 2;

/** What this member knows of another one. Times are of the monotonic clock. */
export class Peer {
  /** `up`: its pings are answered. `lost`: its copies are made anew elsewhere. `gone`: its silence means that it has nothing. */
  state: 'up' | 'lost' | 'gone' = 'up';

  /** It said that it shuts down. */
  isLeaving = false;

  /** Names its process, as far as it was heard of. */
  process: string | undefined = undefined;

  /** How many processes of that name there have been: a copy that an earlier one put is the last of its epoch. */
  processes = 0;

  /** What it said last when it answered: see {@link ownBond}. */
  bondName: string | undefined = undefined;

  /** Counts what may have cost it the copies it was given, or cost it the knowledge which of them it does not follow any more. */
  bond = 0;

  /** Its last answer came then. */
  answeredAt: number;

  /** Its last ping or put came then: its lease may count from there. */
  heardAt = Number.NEGATIVE_INFINITY;

  /** The last ping that told of all sessions it does not follow any more was sent then: the lease that this member has from it. */
  followedAt = Number.NEGATIVE_INFINITY;

  /** Pings in a row that nobody listened to, without a word of it in between. */
  refusedBeats = 0;

  /** Epochs of which it is the primary, and this member has been the backup and is not any more. It is told until it knows. */
  readonly over = new Map<SessionKey, number>();

  /** What it told in that way and is over here. */
  readonly done = new Map<SessionKey, number>();

  /** Grows when `over` was forgotten: it must not trust leases from before. */
  private relation = 1;

  private suspectedUntil = Number.NEGATIVE_INFINITY;

  constructor(
    public member: ReplicationMember,
    private readonly ownProcess: string,
    /** Tells this knowledge from an earlier one about the same member, when it was off the list in between. */
    private readonly acquaintance: number,
    now: number,
  ) {
    this.answeredAt = now;
  }

  get name(): string {
    return this.member.name;
  }

  /** What this member says when it answers: as long as it says the same, it keeps what it took. */
  get ownBond(): string {
    return `${this.ownProcess}.${this.acquaintance}.${this.relation}`;
  }

  /** It can be given copies. */
  isUsable(now: number): boolean {
    return this.state === 'up' && !this.isLeaving && !this.isSuspected(now);
  }

  /** Nobody listens there. */
  get isRefusing(): boolean {
    return this.refusedBeats >= REFUSED_BEATS;
  }

  /** It has sent something itself: it is alive, although it may not be reached, or was not while it started. */
  isHeard(now: number, withinMs: number): boolean {
    return !this.isRefusing && now - this.heardAt < withinMs;
  }

  isSuspected(now: number): boolean {
    return now < this.suspectedUntil;
  }

  suspect(now: number): void {
    this.suspectedUntil = now + SUSPECTED_MS;
  }

  noteAnswer(now: number): void {
    this.answeredAt = now;
    this.refusedBeats = 0;
    this.suspectedUntil = Number.NEGATIVE_INFINITY;
  }

  /** It answered with this. @returns whether its process is another than before */
  noteBond(bond: string): boolean {
    if (bond === this.bondName) return false;
    this.bondName = bond;
    this.bond++;
    this.followedAt = Number.NEGATIVE_INFINITY;
    return this.begin(bond.slice(0, bond.indexOf('.')));
  }

  /**
   * A message of its process came, which may have been on its way for long.
   * @returns false when that process is an earlier one
   */
  noteMessage(process: string, now: number): boolean {
    if (this.process !== undefined && startOf(process) < startOf(this.process)) return false;
    this.begin(process);
    this.heardAt = now;
    this.refusedBeats = 0;
    return true;
  }

  private begin(process: string): boolean {
    if (process === this.process) return false;
    const isAnother = this.process !== undefined;
    this.process = process;
    this.processes++;
    this.isLeaving = false;
    this.over.clear();
    this.done.clear();
    this.relation++;
    return isAnother;
  }
}

/** Processes are named `<when it started, base 36>-<random>`. */
function startOf(process: string): number {
  return Number.parseInt(process, 36);
}
