import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type Epoch, isSatisfied, NO_BACKUP, type Owners, sameEpoch } from '../copy/epoch.js';
import type { Replica } from '../copy/replica.js';
import { isEnded } from '../copy/tombstone.js';
import { stateFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { SLOWER_CLOCK } from '../options/replication-timers.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { ClaimAnswer } from '../protocol/replication-message.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import type { ClaimedCopy } from './claimed-copy.js';

/** The knowledge that a member, which wants to begin an epoch, carries from one attempt to the next. */
export interface EpochSearch {
  /** Epochs that are known to have begun. The state has to be as new as all of them. */
  witnesses: readonly Owners[];

  /** The greatest counter that is known of. */
  floor: number;

  /** Epochs that may have begun although no copy was found. Their primaries have to be asked. */
  mustAsk: readonly Epoch[];

  /** Members that have just shown that they do not answer, or cannot take a copy. */
  readonly avoid: Set<string>;
}

/** The answer of a member that has no copy. */
export interface NoCopy {
  /** Names its process. */
  readonly process: string;
  readonly upMs: number;

  /** Its process was started then or earlier, by this member's monotonic clock. */
  readonly startedAt: number;

  /** The greatest counter with which it has lately tried to begin an epoch, or 0. */
  readonly attempted: number;
}

/**
 * Asks members for their copies of a session, which they fence. This member's own copy is treated in the same way
 * first: from then on it takes no change of the old epoch either.
 */
export class ClaimRound {
  /** The copy that this member had when the round began. It must be there unchanged when the new epoch begins. */
  readonly local: Replica | undefined;

  readonly copies: ClaimedCopy[] = [];

  /** Members that have no copy. */
  readonly none = new Map<string, NoCopy>();

  /** Members that were asked, or would have been, and did not answer. */
  readonly unanswered = new Map<string, ReplicationCallError['reason']>();

  /** The newest epoch that a member says has begun. */
  moved: Owners | undefined = undefined;

  /** A member that has answered begins no epoch up to this counter that it has not told of. */
  readonly promisedFloor: number;

  /** A new epoch needs a greater counter. */
  floor: number;

  private readonly skipped: Peer[] = [];

  constructor(
    private readonly context: ReplicationContext,
    readonly key: SessionKey,
    /** Epochs that are known to have begun. */
    private readonly witnesses: readonly Owners[],
    floor: number,
    /** Members that are not asked, because they have just shown that they do not answer. */
    private readonly avoid: ReadonlySet<string>,
  ) {
    const { table, memory, self, members, timers, process, startedAt } = context;
    const local = table.get(key);
    this.local = local;
    this.moved = memory.movedTo(key);
    const begun = witnesses.map(({ counter }) => counter);
    this.floor = Math.max(floor, memory.floorOf(key), local?.counter ?? 0, ...begun);
    this.promisedFloor = this.floor;
    if (!local) {
      const upMs = timers.now() - startedAt;
      this.none.set(self, { process, upMs, startedAt, attempted: memory.attemptedAt(key) });
      return;
    }
    this.copies.push({
      key,
      holder: self,
      holderProcess: process,
      counter: local.counter,
      node: local.node,
      backup: local.backup,
      seq: local.seq,
      lineage: local.lineage,
      state: local.state,
      wasFenced: local.fenced,
      primaryProcess: members.processOfPrimary(local),
      putAt: local.confirmedAt,
      primaryHeardAt: members.heardAt(local.node),
    });
    if (!isEnded(local.state)) fenceReplica(context, local, self);
  }

  /**
   * Asks first the members that the newest known epochs name. The others are asked unless the first have shown that
   * nobody can know better.
   */
  async run(mustAsk: readonly Epoch[]): Promise<void> {
    const { members, self, timers } = this.context;
    const named = new Set([
      ...[...this.witnesses, this.local].flatMap((owners) => (owners ? [owners.node, owners.backup] : [])),
      ...mustAsk.map(({ node }) => node),
    ]);
    named.delete(self);
    named.delete(NO_BACKUP);
    const isNamed = (peer: Peer): boolean => named.has(peer.name);
    const now = timers.now();
    const canAsk = members.others.filter(({ name }) => !this.avoid.has(name));
    for (const peer of members.others) if (this.avoid.has(peer.name)) this.noteUnanswered(peer, 'silent');

    const owners = canAsk.filter(isNamed);
    this.skipped.push(...owners.filter((peer) => peer.isSuspected(now)));
    const first = owners.filter((peer) => !this.skipped.includes(peer));
    let isAskingAll = false;
    let others: Promise<unknown> = Promise.resolve();
    const askOthers = (): void => {
      if (isAskingAll) return;
      isAskingAll = true;
      others = Promise.all(canAsk.filter((peer) => !isNamed(peer)).map((peer) => this.ask(peer)));
    };
    await Promise.all(
      first.map(async (peer) => {
        const isFollowed = await this.ask(peer);
        if (!isFollowed) askOthers();
      }),
    );
    if (!this.isSettled) askOthers();
    await others;
    for (const peer of this.skipped) this.noteUnanswered(peer, 'silent');
  }

  /**
   * Asks the owners that were left out because they have just been silent. That is worth the wait only when the others
   * do not know enough.
   * @returns whether there were any
   */
  async askSuspected(): Promise<boolean> {
    const peers = this.skipped.splice(0);
    for (const { name } of peers) this.unanswered.delete(name);
    await Promise.all(peers.map((peer) => this.ask(peer, true)));
    return peers.length > 0;
  }

  /** Names the process of a member that has answered. */
  processOf(name: string): string | undefined {
    return this.none.get(name)?.process ?? this.copies.find(({ holder }) => holder === name)?.holderProcess;
  }

  /** Whether the member has told of a copy, or that it has none. */
  hasAnswered(name: string): boolean {
    return this.none.has(name) || this.copies.some(({ holder }) => holder === name);
  }

  /**
   * How long the primary of a copy's epoch may still answer reads, in ms. A primary that does not answer may be alive,
   * and may answer reads while its lease from its backup lasts. The backup has told when it last heard the primary, and
   * gives no lease since.
   */
  leaseLeftMs(copy: ClaimedCopy): number {
    const { timers, options, self } = this.context;
    const { node } = copy;
    if (node === self || this.hasAnswered(node) || this.unanswered.get(node) === 'refused') return 0;
    const heard = this.copies.filter((other) => sameEpoch(other, copy)).map(({ primaryHeardAt }) => primaryHeardAt);
    const leaseMs = options.leaseMs * SLOWER_CLOCK;
    return Math.min(Math.max(...heard) + leaseMs - timers.now(), leaseMs);
  }

  /**
   * Both owners of one epoch have told of it, no other member had claimed it, and it is not older than the witnesses:
   * there can be no newer one.
   */
  private get isSettled(): boolean {
    return this.copies.some((told) => {
      if (!this.witnesses.every((witness) => isSatisfied(witness, told))) return false;
      const { counter, node, backup } = told;
      const isFollowedBy = (holder: string): boolean =>
        this.copies.some(
          (copy) => copy.holder === holder && copy.counter === counter && copy.node === node && !copy.wasFenced,
        );
      // A primary without a backup did not reach the others, and they may have gone on without it.
      return backup !== NO_BACKUP && isFollowedBy(node) && isFollowedBy(backup);
    });
  }

  /** @returns whether the member has told of a copy that no other had claimed */
  private async ask(peer: Peer, persistently = false): Promise<boolean> {
    const { calls, timers } = this.context;
    const sentAt = timers.now();
    try {
      const message = { type: 'claim', key: this.key, floor: this.promisedFloor } as const;
      const answer = await calls.ask(peer, message, persistently);
      this.noteAnswer(peer, answer, sentAt);
      return answer.type === 'copy' && !answer.fenced;
    } catch (error) {
      this.noteUnanswered(peer, (error as ReplicationCallError).reason);
      return false;
    }
  }

  private noteAnswer(peer: Peer, answer: ClaimAnswer, sentAt: number): void {
    const { clock, timers } = this.context;
    peer.noteMessage(answer.process, timers.now());
    this.floor = Math.max(this.floor, answer.floor);
    if (answer.type === 'none') {
      this.none.set(peer.name, { ...answer, startedAt: timers.now() - answer.upMs / SLOWER_CLOCK });
      if (answer.moved && answer.moved.counter > (this.moved?.counter ?? 0)) this.moved = answer.moved;
      return;
    }
    const { process, copy, fenced, primaryProcess, ageMs, heardAgoMs } = answer;
    const { counter, node, backup, seq, lineage } = copy;
    this.floor = Math.max(this.floor, counter);
    this.copies.push({
      key: this.key,
      holder: peer.name,
      holderProcess: process,
      counter,
      node,
      backup,
      seq,
      lineage,
      state: stateFromWire(copy.state, clock.now() - copy.at),
      wasFenced: fenced,
      primaryProcess,
      putAt: sentAt - SLOWER_CLOCK * ageMs,
      primaryHeardAt: timers.now() - heardAgoMs,
    });
  }

  private noteUnanswered(peer: Peer, reason: ReplicationCallError['reason']): void {
    if (!this.context.members.isGone(peer.name)) this.unanswered.set(peer.name, reason);
  }
}
