import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { ReplicationMember } from './replication-member.js';

/** After a call that was not answered, further calls to the same member fail at once for this long. */
const SUSPECTED_MS = 1_000;

/** A member that had no room for a copy is not asked to take another one of its own accord for this long. */
const FULL_MS = 5_000;

/** A member counts as lost after this many pings in a row at whose address nobody listened. */
const REFUSED_BEATS = 2;

/** The knowledge that this member has of another one. Times are of the monotonic clock. */
export class Peer {
  /**
   * `up`: it answers pings. `lost`: its copies are made anew elsewhere. `gone`: its silence means that it has nothing.
   */
  state: 'up' | 'lost' | 'gone' = 'up';

  /** It said that it shuts down. */
  isLeaving = false;

  /** Its last answer showed that it runs another release, so that one of the two cannot read the other's messages. */
  isOfOtherRelease = false;

  /** Names its process, as far as it was heard of. */
  process: string | undefined = undefined;

  /** Counts its processes. A copy that an earlier process put is the last of its epoch. */
  processes = 0;

  /** The last text with which it answered: see {@link ownIncarnation}. */
  incarnation: string | undefined = undefined;

  /**
   * Counts its incarnations: an earlier one may have lost the copies that it was given, or may not know any more which
   * of them it has stopped following.
   */
  incarnations = 0;

  /** When its last answer came. */
  answeredAt: number;

  /** When its last ping or put came. Its lease may count from then. */
  heardAt = Number.NEGATIVE_INFINITY;

  /**
   * When the last ping was sent whose answer named all sessions that it does not follow any more. The lease of this
   * member counts from then.
   */
  followedAt = Number.NEGATIVE_INFINITY;

  /** Counts the pings in a row at whose address nobody listened. */
  refusedBeats = 0;

  /**
   * Epochs whose primary it is, and whose backup this member was and is not any more. It is told of them until it says
   * that it knows.
   */
  readonly unfollowed = new Map<SessionKey, number>();

  /** Epochs that it named in this way, and that are over here, too. */
  readonly settled = new Map<SessionKey, number>();

  /** Position in the log of news up to which it knows them, or was reachable when they were made. */
  newsKnown = 0;

  /** It was not told all news: what was done may contradict what it did itself. */
  hasMissedNews = false;

  /** Grows when `unfollowed` is forgotten. The peer must not trust leases from before. */
  private revision = 1;

  private suspectedUntil = Number.NEGATIVE_INFINITY;
  private fullUntil = Number.NEGATIVE_INFINITY;

  constructor(
    public member: ReplicationMember,
    private readonly ownProcess: string,
    now: number,
  ) {
    this.answeredAt = now;
  }

  get name(): string {
    return this.member.name;
  }

  /** The text with which this member answers. As long as it is the same, this member keeps what it was given. */
  get ownIncarnation(): string {
    return `${this.ownProcess}.${this.revision}`;
  }

  /**
   * It is on the list of members again. Meanwhile this member answered nothing that it asked, told it nothing, and took
   * its copies for lost.
   */
  noteReturn(now: number): void {
    this.state = 'up';
    this.answeredAt = now;
    this.refusedBeats = 0;
    this.followedAt = Number.NEGATIVE_INFINITY;
    this.hasMissedNews = true;
    this.forgetFollowing();
  }

  /** It had no room for a copy. */
  noteFull(now: number): void {
    this.fullUntil = now + FULL_MS;
  }

  /** Whether a copy may be made there that no request waits for. */
  mayTakeCopies(now: number): boolean {
    return this.isUsable(now) && now >= this.fullUntil;
  }

  /** Whether it can be given copies. */
  isUsable(now: number): boolean {
    return this.state === 'up' && !this.isLeaving && !this.isSuspected(now);
  }

  /** Whether nobody listens at its address. */
  get isRefusing(): boolean {
    return this.refusedBeats >= REFUSED_BEATS;
  }

  /**
   * Whether it has lately sent something itself: it is alive, although it may be out of reach, or was while it started.
   */
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

  /** It answered with this text, which begins with the name of its process. */
  noteIncarnation(incarnation: string): void {
    if (incarnation === this.incarnation) return;
    this.incarnation = incarnation;
    this.incarnations++;
    this.followedAt = Number.NEGATIVE_INFINITY;
    this.noteProcess(incarnation.slice(0, incarnation.indexOf('.')));
  }

  /**
   * A message of one of its processes came. It may have been on its way for long.
   * @returns false when that is an earlier process
   */
  noteMessage(process: string, now: number): boolean {
    if (this.process !== undefined && startOf(process) < startOf(this.process)) return false;
    this.noteProcess(process);
    this.heardAt = now;
    this.refusedBeats = 0;
    return true;
  }

  private noteProcess(process: string): void {
    if (process === this.process) return;
    // Another process begins with an empty heap. Of the first one this is not known.
    if (this.process !== undefined) this.hasMissedNews = false;
    this.process = process;
    this.processes++;
    this.isLeaving = false;
    this.forgetFollowing();
  }

  private forgetFollowing(): void {
    this.unfollowed.clear();
    this.settled.clear();
    this.revision++;
  }
}

/** Processes are named `<when it started, base 36>-<random>`. */
function startOf(process: string): number {
  return Number.parseInt(process, 36);
}
