import { type Epoch, isOwner, lineageAfter, nextCounter, NO_BACKUP, sameEpoch } from '../copy/epoch.js';
import { Replica } from '../copy/replica.js';
import { isTombstone, type NoSession } from '../copy/tombstone.js';
import { stateToWire, tombstoneFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { pause } from '../options/replication-timers.js';
import { reportDeposed } from '../protocol/fence-replica.js';
import { announceEnd, endSession } from '../protocol/handle-end.js';
import { obstacleToBeingAlone } from '../protocol/limits.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import { moveOf, type PutAnswer } from '../protocol/replication-message.js';
import type { ClaimRound, EpochSearch } from './claim-round.js';
import { seekConsent } from './seek-consent.js';
import { adoptCopy, type ClaimedCopy } from './told-copy.js';

/**
 * Members keep the promises of a claim round for a minute. An attempt that stood still for longer than this, because
 * its process did, may not rely on them.
 */
const VALID_MS = 10_000;

type Result = Replica | NoSession | 'again' | 'next backup';

/**
 * Begins an epoch of this member from the copy that was chosen. First all members that told of a copy are told of the
 * epoch, then the new backup. Then the epoch has begun.
 */
export class TakeOver {
  private readonly startedAt: number;

  /** The members that told of a copy, and the epoch of the copy that each has now. */
  private readonly holders = new Map<string, Epoch>();

  /** Members that may have taken a copy although their answers were lost. */
  private readonly unconfirmed = new Set<string>();

  /**
   * This member's own copy of the state to go on from. While it is there unchanged, no other member was quicker here.
   */
  private readonly own: Replica;

  constructor(
    private readonly context: ReplicationContext,
    private readonly round: ClaimRound,
    private readonly copy: ClaimedCopy,
    private readonly search: EpochSearch,
  ) {
    this.startedAt = context.timers.now();
    for (const { holder, counter, node } of round.copies) {
      if (holder !== context.self) this.holders.set(holder, { counter, node });
    }
    this.own = this.ownCopy();
  }

  async run(): Promise<Replica | NoSession | 'again'> {
    const { context, search, round } = this;
    const { members, timers, memory } = context;
    const leaseLeftMs = round.leaseLeftMs(this.copy);
    if (leaseLeftMs > 0) await pause(timers, leaseLeftMs);
    if (!this.isUnchanged) return 'again';

    const now = timers.now();
    // A member that has just answered is there, even if that is not known to be more than a moment.
    const isThere = (peer: Peer): boolean =>
      peer.isUsable(now) || (round.processOf(peer.name) !== undefined && !peer.isLeaving);
    const usable = members.others.filter((peer) => isThere(peer) && !search.avoid.has(peer.name));
    const order = members.inBackupOrder(round.key, usable);
    const known = [round.floor, search.floor, memory.floorOf(round.key), memory.attemptedAt(round.key)];
    let counter = Math.max(...known);
    for (const backup of [...order.map(({ name }) => name), ...this.lastResort(), NO_BACKUP]) {
      const obstacle = backup === NO_BACKUP ? obstacleToBeingAlone(context) : undefined;
      if (obstacle !== undefined) throw new ReplicationFailure(`no other member can take a copy, and ${obstacle}`);
      counter = nextCounter(counter, context.options.random);
      const result = await this.begin(counter, backup);
      if (result !== 'next backup') return result;
    }
    return 'again';
  }

  /**
   * Before a session has one copy only, a member that was silent is asked again: a single message may have been lost.
   */
  private lastResort(): string[] {
    const { members, timers } = this.context;
    const now = timers.now();
    const silent = members.others.filter((peer) => peer.state === 'up' && !peer.isLeaving && !peer.isUsable(now));
    return silent.slice(0, 1).map(({ name }) => name);
  }

  private async begin(counter: number, backup: string): Promise<Result> {
    const { context, round, search, holders } = this;
    const { key } = round;
    if (context.promises) {
      const isGiven = await seekConsent(context, round, { counter, of: this.copy.counter }, search);
      if (!isGiven || !this.isUnchanged) return 'again';
    }
    context.memory.noteAttempt(key, counter);
    // First the members that only have to know. Each copy has one next epoch: a member that is refused by a holder was
    // slower than another, and has not given anybody a copy that could be taken for the newest.
    const bystanders = [...holders.keys()].filter((name) => name !== backup);
    const answers = await Promise.all(bystanders.map((name) => this.put(name, counter, backup)));
    for (const [index, answer] of answers.entries()) {
      if (answer === undefined || answer.type !== 'ok') return this.onRefusal(answer);
      holders.set(bystanders[index] as string, { counter, node: context.self });
    }
    if (!this.mayBegin(counter)) return 'again';

    const sentAt = context.timers.now();
    if (backup !== NO_BACKUP) {
      const isHolder = holders.has(backup);
      if (!isHolder) this.unconfirmed.add(backup);
      const answer = await this.put(backup, counter, backup);
      if (answer?.type === 'full' || (answer === undefined && !isHolder)) {
        search.avoid.add(backup);
        if (answer) context.members.get(backup)?.noteFull(context.timers.now());
        return 'next backup';
      }
      if (answer?.type !== 'ok') {
        // A holder that does not answer may have been told of another's epoch, which has to be known first. A member
        // that is no holder was not asked in this round, and has more than was thought.
        if (!isHolder) search.mustAsk = [...search.mustAsk, { counter, node: backup }];
        return this.onRefusal(answer);
      }
      this.unconfirmed.delete(backup);
      context.members.get(backup)?.noteIncarnation(answer.incarnation);
      if (!this.mayBegin(counter)) return 'again';
    }
    return this.install(key, counter, backup, sentAt);
  }

  /** Both owners have the state now: the epoch has begun. */
  private install(key: string, counter: number, backup: string, sentAt: number): Replica | NoSession {
    const { context, round, copy, own, holders, unconfirmed } = this;
    const { table, members, self, events, calls, news } = context;
    const { state } = own;
    if (isTombstone(state)) {
      endSession(context, key, state, self);
      void announceEnd(context, key);
      return { tombstone: state };
    }
    const replica = new Replica({
      key,
      counter,
      node: self,
      backup,
      seq: own.seq + 1,
      state,
      isOwn: true,
      partnerGeneration: members.get(backup)?.incarnations ?? 0,
      lineage: this.lineage,
      isOneLine: round.hasHeardAll,
    });
    replica.confirmedAt = sentAt;
    table.install(replica);
    news.add(replica.key);
    // They may have a copy that nobody knows of, and go on with it.
    for (const peer of members.others) if (round.unanswered.has(peer.name)) peer.hasMissedNews = true;
    if (copy.node !== self) events.promoted(key, copy.node);
    if (backup === NO_BACKUP && copy.backup !== NO_BACKUP) events.session('alone', key);
    if (backup !== NO_BACKUP && copy.backup === NO_BACKUP) events.session('safe', key);
    for (const name of new Set([...holders.keys(), ...unconfirmed])) {
      const peer = name === backup ? undefined : members.get(name);
      if (peer) void calls.ask(peer, { type: 'drop', ...moveOf(replica) }).catch(() => undefined);
    }
    return replica;
  }

  /** @returns undefined when the member does not answer */
  private async put(name: string, counter: number, backup: string): Promise<PutAnswer | undefined> {
    const { context, round, holders, own } = this;
    const { members, calls, clock, process } = context;
    const peer = members.get(name);
    if (!peer) return undefined;
    try {
      return await calls.ask(
        peer,
        {
          type: 'put',
          key: round.key,
          counter,
          backup,
          seq: own.seq + 1,
          state: stateToWire(own.state),
          from: holders.get(name) ?? null,
          lineage: this.lineage,
          at: clock.now(),
          process,
          ...(peer.process !== undefined && { receiver: peer.process }),
        },
        true,
      );
    } catch {
      return undefined;
    }
  }

  private onRefusal(answer: PutAnswer | undefined): Result {
    const { context, round, search } = this;
    if (answer?.type === 'refused') search.floor = Math.max(search.floor, answer.counter);
    if (answer?.type !== 'ended') return 'again';
    const tombstone = tombstoneFromWire(answer.tombstone, context.clock.now() - answer.at);
    endSession(context, round.key, tombstone, context.self);
    return { tombstone };
  }

  /**
   * The epochs before the new one. That of a copy which no owner of it has told of is left out: the new epoch goes on
   * from the state with which that one began, if it has begun at all.
   */
  private get lineage(): string {
    const { copy } = this;
    return isOwner(copy, copy.holder) ? lineageAfter(copy.lineage, copy) : copy.lineage;
  }

  private get isUnchanged(): boolean {
    return this.context.table.get(this.round.key) === this.own && this.own.fenced;
  }

  private mayBegin(counter: number): boolean {
    const { timers, memory } = this.context;
    const isValid = timers.now() - this.startedAt < VALID_MS;
    return isValid && this.isUnchanged && memory.floorOf(this.round.key) < counter;
  }

  /** The chosen copy at this member: its own, if it is the same, else one that is adopted. */
  private ownCopy(): Replica {
    const { context, round, copy } = this;
    const { local } = round;
    if (local && sameEpoch(local, copy) && local.seq === copy.seq && local.backup === copy.backup) return local;
    const bound = context.table.boundAgainst(round.key, copy.state);
    if (bound) throw new ReplicationFailure(`this member is full: ${bound} would be passed`);
    if (local) reportDeposed(context, local, copy.node);
    return adoptCopy(context, copy);
  }
}
