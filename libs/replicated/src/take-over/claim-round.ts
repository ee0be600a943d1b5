import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type Epoch, isSatisfied, NO_BACKUP, sameEpoch, type Witness } from '../copy/epoch.js';
import { generationOf, isTombstone } from '../copy/tombstone.js';
import { stateFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { SLOWER_CLOCK } from '../options/replication-timers.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ownCopyOf, Survey } from './survey.js';
import type { ClaimedCopy } from './told-copy.js';

/** The knowledge that a member, which wants to begin an epoch, carries from one attempt to the next. */
export interface EpochSearch {
  /** Epochs that are said to have begun. The state has to be as new as all of them. */
  witnesses: readonly Witness[];

  /** The greatest counter that is known of. */
  floor: number;

  /** Epochs that may have begun although no copy was found. Their primaries have to be asked. */
  mustAsk: readonly Epoch[];

  /** Members that have just shown that they do not answer, or cannot take a copy. */
  readonly avoid: Set<string>;
}

/**
 * Asks members for their copies of a session, which they fence. This member's own copy is treated in the same way
 * first: from then on it takes no change of the old epoch either.
 */
export class ClaimRound extends Survey<ClaimedCopy> {
  /** A member that has answered begins no epoch up to this counter that it has not told of. */
  readonly promisedFloor: number;

  constructor(
    context: ReplicationContext,
    key: SessionKey,
    witnesses: readonly Witness[],
    floor: number,
    avoid: ReadonlySet<string>,
  ) {
    super(context, key, witnesses, avoid);
    const { memory, self } = context;
    const { local } = this;
    // [M6] A text that nobody has signed raises no floor.
    const begun = witnesses.filter(({ from }) => from !== 'anybody').map(({ counter }) => counter);
    this.floor = Math.max(floor, memory.floorOf(key), local?.counter ?? 0, ...begun);
    this.promisedFloor = this.floor;
    if (!local) return;
    this.copies.push({ ...ownCopyOf(context, local), state: local.state });
    fenceReplica(context, local, self);
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
   * No other member can have a branch of the session. With quorum nobody goes on in a part of the group that is cut
   * off.
   * Without it the owners of an epoch do not know which branches others began before.
   */
  get hasHeardAll(): boolean {
    const { promises, members } = this.context;
    return promises !== undefined || members.others.every(({ name }) => this.hasAnswered(name));
  }

  /**
   * Both owners of one epoch have told of it, no other member had claimed it, and it is not older than the witnesses:
   * there can be no newer one.
   */
  protected override get isSettled(): boolean {
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

  protected override async send(peer: Peer, persistently: boolean): Promise<boolean> {
    const { calls, timers, clock } = this.context;
    const sentAt = timers.now();
    const message = { type: 'claim', key: this.key, floor: this.promisedFloor } as const;
    const answer = await calls.ask(peer, message, persistently);
    peer.noteMessage(answer.process, timers.now());
    if (answer.type !== 'copy') {
      this.noteAbsence(peer, answer);
      return false;
    }
    const { counter, node, backup, seq, lineage } = answer.copy;
    const state = stateFromWire(answer.copy.state, clock.now() - answer.copy.at);
    const place = { counter, node, backup, seq, lineage };
    const renewed = { generation: generationOf(state), renewedIn: isTombstone(state) ? undefined : state.renewedIn };
    this.copies.push({ ...this.factsOf(peer, answer, sentAt), ...place, ...renewed, state });
    this.floor = Math.max(this.floor, counter);
    return !answer.fenced;
  }
}
