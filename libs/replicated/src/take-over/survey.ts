import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, type Epoch, NO_BACKUP, outranks, type Witness } from '../copy/epoch.js';
import type { Replica } from '../copy/replica.js';
import type { Tombstone } from '../copy/tombstone.js';
import { tombstoneFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { SLOWER_CLOCK } from '../options/replication-timers.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import type { CopyFacts, EndedAnswer, NoCopyAnswer } from '../protocol/replication-message.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import type { ToldCopy } from './told-copy.js';

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

/** Asks the members of the group, this one included, what they have of a session. */
export abstract class Survey<C extends ToldCopy> {
  /** The copy that this member had when it began. */
  readonly local: Replica | undefined;

  readonly copies: C[] = [];

  /** Members that have no copy. */
  readonly none = new Map<string, NoCopy>();

  /** Members that were asked, or would have been, and did not answer. */
  readonly unanswered = new Map<string, ReplicationCallError['reason']>();

  /** The session has ended for good, as a member says. */
  ended: Tombstone | undefined = undefined;

  /** The epoch that a member says has begun; of several the one that outranks the others. */
  moved: BegunEpoch | undefined;

  /** The greatest counter that a member has told of. */
  floor = 0;

  private readonly skipped: Peer[] = [];

  constructor(
    protected readonly context: ReplicationContext,
    readonly key: SessionKey,
    /** Epochs that are said to have begun. */
    protected readonly witnesses: readonly Witness[],
    /** Members that are not asked, because they have just shown that they do not answer. */
    private readonly avoid: ReadonlySet<string>,
  ) {
    const { table, memory, self, timers, process, startedAt } = context;
    this.local = table.get(key);
    this.ended = table.endOf(key);
    this.moved = memory.movedTo(key);
    if (this.local) return;
    const upMs = timers.now() - startedAt;
    this.none.set(self, { process, upMs, startedAt, attempted: memory.attemptedAt(key) });
  }

  /**
   * Asks first the members that the newest known epochs name. The others are asked unless the first have shown that
   * nobody can know better.
   */
  async run(mustAsk: readonly Epoch[]): Promise<void> {
    const { members, self, timers } = this.context;
    const named = new Set([
      ...[...this.witnesses, this.local, this.moved].flatMap((owners) => (owners ? [owners.node, owners.backup] : [])),
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

  /** The answers show that there can be no newer copy than those that were told. */
  protected abstract get isSettled(): boolean;

  /**
   * Asks one member.
   * @returns whether it has told of a copy that nobody had claimed
   */
  protected abstract send(peer: Peer, persistently: boolean): Promise<boolean>;

  private async ask(peer: Peer, persistently = false): Promise<boolean> {
    try {
      return await this.send(peer, persistently);
    } catch (error) {
      this.noteUnanswered(peer, (error as ReplicationCallError).reason);
      return false;
    }
  }

  protected noteAbsence(peer: Peer, answer: NoCopyAnswer | EndedAnswer): void {
    const { timers, clock } = this.context;
    if (answer.type === 'ended') {
      this.ended ??= tombstoneFromWire(answer.tombstone, clock.now() - answer.at);
      return;
    }
    const { process, upMs, attempted, moved, floor } = answer;
    this.floor = Math.max(this.floor, floor);
    this.none.set(peer.name, { process, upMs, attempted, startedAt: timers.now() - upMs / SLOWER_CLOCK });
    if (moved && (!this.moved || outranks(moved, this.moved))) this.moved = moved;
  }

  /** The part of a copy that its holder tells with its facts. */
  protected factsOf(
    peer: Peer,
    { process, fenced, primaryProcess, ageMs, heardAgoMs, floor }: CopyFacts,
    sentAt: number,
  ): Pick<ToldCopy, 'key' | 'holder' | 'holderProcess' | 'wasFenced' | 'primaryProcess' | 'putAt' | 'primaryHeardAt'> {
    this.floor = Math.max(this.floor, floor);
    return {
      key: this.key,
      holder: peer.name,
      holderProcess: process,
      wasFenced: fenced,
      primaryProcess,
      putAt: sentAt - SLOWER_CLOCK * ageMs,
      primaryHeardAt: this.context.timers.now() - heardAgoMs,
    };
  }

  private noteUnanswered(peer: Peer, reason: ReplicationCallError['reason']): void {
    if (!this.context.members.isGone(peer.name)) this.unanswered.set(peer.name, reason);
  }
}

/** This member's own copy, as one that was told of. */
export function ownCopyOf({ self, process, members }: ReplicationContext, local: Replica): ToldCopy {
  const { key, counter, node, backup, seq, lineage, generation, renewedIn, fenced, confirmedAt } = local;
  return {
    key,
    holder: self,
    holderProcess: process,
    counter,
    node,
    backup,
    generation,
    seq,
    lineage,
    renewedIn,
    wasFenced: fenced,
    primaryProcess: members.processOfPrimary(local),
    putAt: confirmedAt,
    primaryHeardAt: members.heardAt(node),
  };
}
