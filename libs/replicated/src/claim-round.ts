import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { ClaimedCopy } from './claimed-copy.js';
import { NO_BACKUP, type Epoch, type Owners } from './epoch.js';
import { fenceReplica } from './fence-replica.js';
import { isSatisfied } from './is-satisfied.js';
import { isEnded } from './is-ended.js';
import type { Peer } from './peer.js';
import type { Replica } from './replica.js';
import type { ReplicationCallError } from './replication-call.error.js';
import type { ReplicationContext } from './replication-context.js';
import type { ClaimAnswer } from './replication-message.js';
import { SLOWER_CLOCK } from './slower-clock.js';
import { stateFromWire } from './state-from-wire.js';

/** What a member says that has no copy. */
export interface NoCopy {
  readonly life: string;
  readonly upMs: number;

  /** Its process was started then or earlier, by this member's monotonic clock. */
  readonly startedAt: number;
  readonly attempted: number;
}

/**
 * Asks members for their copies of a session, which they fence. What this member has itself is asked first and in the same way: from then on it takes no
 * change of the old epoch either.
 */
export class ClaimRound {
  /** What this member had when the round began: it must be the same when the new epoch begins. */
  readonly local: Replica | undefined;

  readonly copies: ClaimedCopy[] = [];
  readonly none = new Map<string, NoCopy>();

  /** Those who were asked, or would have been, and did not answer. */
  readonly unanswered = new Map<string, ReplicationCallError['reason']>();

  /** The newest epoch that somebody says to have begun. */
  moved: Owners | undefined = undefined;

  /** Whoever has answered begins no epoch up to here that it has not told of. */
  readonly promisedFloor: number;

  /** A new epoch has to be above it. */
  floor: number;

  private readonly skipped: Peer[] = [];

  constructor(
    private readonly context: ReplicationContext,
    readonly key: SessionKey,
    /** Epochs that are known to have begun. */
    private readonly witnesses: readonly Owners[],
    floor: number,
    /** Not asked: they have just shown that they do not answer. */
    private readonly avoid: ReadonlySet<string>,
  ) {
    const { table, memory, self, members, timers } = context;
    this.floor = Math.max(floor, memory.floorOf(key), ...witnesses.map(({ counter }) => counter));
    this.local = table.get(key);
    this.moved = memory.movedTo(key);
    const { local } = this;
    this.floor = Math.max(this.floor, local?.counter ?? 0);
    this.promisedFloor = this.floor;
    if (!local) {
      this.none.set(self, {
        life: context.process,
        upMs: timers.now() - context.startedAt,
        startedAt: context.startedAt,
        attempted: memory.attemptedAt(key),
      });
      return;
    }
    const primary = members.get(local.node);
    this.copies.push({
      key,
      holder: self,
      holderLife: context.process,
      counter: local.counter,
      node: local.node,
      backup: local.backup,
      seq: local.seq,
      lineage: local.lineage,
      state: local.state,
      wasFenced: local.fenced,
      primaryLife: local.isOwn ? context.process : primary?.processes === local.bond ? primary.process : undefined,
      putAt: local.confirmedAt,
      primaryHeardAt: members.heardAt(local.node),
    });
    if (!isEnded(local.state)) fenceReplica(context, local, self);
  }

  /** First those that the newest known epochs name; the others unless the first have shown that nobody can know better. */
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
    for (const peer of members.others) if (this.avoid.has(peer.name)) this.note(peer, 'silent');

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
    for (const peer of this.skipped) this.note(peer, 'silent');
  }

  /**
   * Asks the owners that were not asked because they have just been silent. Only worth the wait when the others do not know enough.
   * @returns whether there were any
   */
  async askSuspected(): Promise<boolean> {
    const peers = this.skipped.splice(0);
    for (const { name } of peers) this.unanswered.delete(name);
    await Promise.all(peers.map((peer) => this.ask(peer, true)));
    return peers.length > 0;
  }

  /** Names the process of a member that has answered. */
  lifeOf(name: string): string | undefined {
    return this.none.get(name)?.life ?? this.copies.find(({ holder }) => holder === name)?.holderLife;
  }

  /** Both owners of one epoch have told of it, nobody else had claimed it, and it is not older than the witness: there can be no newer one. */
  private get isSettled(): boolean {
    return this.copies.some((told) => {
      if (!this.witnesses.every((witness) => isSatisfied(witness, told))) return false;
      const { counter, node, backup } = told;
      const isFollowedBy = (holder: string): boolean =>
        this.copies.some(
          (copy) => copy.holder === holder && copy.counter === counter && copy.node === node && !copy.wasFenced,
        );
      // Whoever was alone did not reach the others, who may have gone on without it.
      return backup !== NO_BACKUP && isFollowedBy(node) && isFollowedBy(backup);
    });
  }

  /** @returns whether it has told of a copy that nobody had claimed */
  private async ask(peer: Peer, persistently = false): Promise<boolean> {
    const sentAt = this.context.timers.now();
    try {
      const answer = await this.context.calls.ask(
        peer,
        { type: 'claim', key: this.key, floor: this.promisedFloor },
        persistently,
      );
      this.take(peer, answer, sentAt);
      return answer.type === 'copy' && !answer.fenced;
    } catch (error) {
      this.note(peer, (error as ReplicationCallError).reason);
      return false;
    }
  }

  private take(peer: Peer, answer: ClaimAnswer, sentAt: number): void {
    const { clock, timers } = this.context;
    peer.noteMessage(answer.life, timers.now());
    this.floor = Math.max(this.floor, answer.floor);
    if (answer.type === 'none') {
      this.none.set(peer.name, { ...answer, startedAt: timers.now() - answer.upMs / SLOWER_CLOCK });
      if (answer.moved && answer.moved.counter > (this.moved?.counter ?? 0)) this.moved = answer.moved;
      return;
    }
    const { life, copy, fenced, primaryLife, ageMs, heardAgoMs } = answer;
    const { counter, node, backup, seq, lineage } = copy;
    this.floor = Math.max(this.floor, counter);
    this.copies.push({
      key: this.key,
      holder: peer.name,
      holderLife: life,
      counter,
      node,
      backup,
      seq,
      lineage,
      state: stateFromWire(copy.state, clock.now() - copy.at),
      wasFenced: fenced,
      primaryLife,
      putAt: sentAt - SLOWER_CLOCK * ageMs,
      primaryHeardAt: timers.now() - heardAgoMs,
    });
  }

  private note(peer: Peer, reason: ReplicationCallError['reason']): void {
    if (!this.context.members.isGone(peer.name)) this.unanswered.set(peer.name, reason);
  }
}
