import { adoptCopy } from './adopt-copy.js';
import { buryEverywhere } from './bury-everywhere.js';
import type { ClaimRound } from './claim-round.js';
import type { ClaimedCopy } from './claimed-copy.js';
import { type Epoch, NO_BACKUP } from './epoch.js';
import type { EpochSearch } from './epoch-search.js';
import { isTombstone } from './is-tombstone.js';
import { lineageAfter } from './lineage-after.js';
import { nextCounter } from './next-counter.js';
import type { NoSession } from './no-session.js';
import { obstacleToBeingAlone } from './obstacle-to-being-alone.js';
import type { Peer } from './peer.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';
import type { PutAnswer } from './replication-message.js';
import { rendezvousOrder } from './rendezvous-order.js';
import { sameEpoch } from './same-epoch.js';
import { stateFromWire } from './state-from-wire.js';
import { stateToWire } from './state-to-wire.js';
import { seekConsent } from './seek-consent.js';
import { tellDeposed } from './tell-deposed.js';
import { waitForLease } from './wait-for-lease.js';

/**
 * What members promised in the claim round is kept for a minute. An attempt that stood still for longer than this, because the process did, may not go
 * on from it.
 */
const VALID_MS = 10_000;

type Result = Replica | NoSession | 'again' | 'next backup';

/** Begins an epoch of this member from a copy that was chosen: all holders of copies are told, then the new backup, and then it has begun. */
export class TakeOver {
  private readonly startedAt: number;

  /** Each member that told of a copy, and the epoch of the copy that it has. */
  private readonly holders = new Map<string, Epoch>();

  /** Members that may have taken a copy without its being known. */
  private readonly strays = new Set<string>();

  /** This member's own copy of what it goes on from. While it is there unchanged, nobody else has been quicker here. */
  private readonly mine: Replica;

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
    this.mine = this.adopted();
  }

  async run(): Promise<Replica | NoSession | 'again'> {
    const { context, search, round } = this;
    const { members, timers, memory } = context;
    await waitForLease(context, round, this.copy);
    if (!this.isUnchanged) return 'again';

    const now = timers.now();
    // Who has just answered is there, also when that is not known to be more than a moment.
    const isThere = (peer: Peer): boolean =>
      peer.isUsable(now) || (round.lifeOf(peer.name) !== undefined && !peer.isLeaving);
    const usable = members.others.filter((peer) => isThere(peer) && !search.avoid.has(peer.name));
    const order = rendezvousOrder(
      round.key,
      usable.map(({ member }) => member),
      members.zone,
    );
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

  /** Before a session has one copy only, one that has just been silent is asked again: a single message may have been lost. */
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
    // First those who only have to know. Each copy has one next epoch: whoever is refused by one of its holders was slower than another, and has not given
    // anybody a copy that could be taken for the newest.
    const bystanders = [...holders.keys()].filter((name) => name !== backup);
    const answers = await Promise.all(bystanders.map((name) => this.put(name, counter, backup)));
    for (const [index, answer] of answers.entries()) {
      if (answer === undefined || answer.type !== 'ok') return this.refused(answer);
      holders.set(bystanders[index] as string, { counter, node: context.self });
    }
    if (!this.mayBegin(counter)) return 'again';

    const sentAt = context.timers.now();
    if (backup !== NO_BACKUP) {
      const isHolder = holders.has(backup);
      if (!isHolder) this.strays.add(backup);
      const answer = await this.put(backup, counter, backup);
      if (answer?.type === 'full' || (answer === undefined && !isHolder)) {
        search.avoid.add(backup);
        return 'next backup';
      }
      // A holder that does not answer may have been told of another's epoch: that has to be known first.
      if (answer?.type !== 'ok') {
        // It was not asked in this round, and has more than was thought.
        if (!isHolder) search.mustHear = [...search.mustHear, { counter, node: backup }];
        return this.refused(answer);
      }
      this.strays.delete(backup);
      this.context.members.get(backup)?.noteBond(answer.life);
      if (!this.mayBegin(counter)) return 'again';
    }
    return this.install(key, counter, backup, sentAt);
  }

  private install(key: string, counter: number, backup: string, sentAt: number): Replica {
    const { context, copy, mine, holders, strays } = this;
    const { table, members, self, events, calls } = context;
    const bond = members.get(backup)?.bond ?? 0;
    // Both owners have it now.
    const state = isTombstone(mine.state) ? { ...mine.state, isFinal: true } : mine.state;
    const replica = new Replica(
      key,
      counter,
      self,
      backup,
      mine.seq + 1,
      state,
      true,
      bond,
      lineageAfter(copy.lineage, copy),
    );
    replica.confirmedAt = sentAt;
    table.install(replica);
    if (isTombstone(state)) {
      void buryEverywhere(context, replica);
      return replica;
    }
    if (copy.node !== self) events.promoted(key, copy.node);
    if (backup === NO_BACKUP && copy.backup !== NO_BACKUP) events.session('alone', key);
    if (backup !== NO_BACKUP && copy.backup === NO_BACKUP) events.session('safe', key);
    for (const name of new Set([...holders.keys(), ...strays])) {
      const peer = name === backup ? undefined : members.get(name);
      if (peer) void calls.ask(peer, { type: 'drop', key, counter, node: self, backup }).catch(() => undefined);
    }
    return replica;
  }

  /** @returns undefined when the member does not answer */
  private async put(name: string, counter: number, backup: string): Promise<PutAnswer | undefined> {
    const { context, round, holders, mine } = this;
    const peer: Peer | undefined = context.members.get(name);
    if (!peer) return undefined;
    try {
      return await context.calls.ask(
        peer,
        {
          type: 'put',
          key: round.key,
          counter,
          backup,
          seq: mine.seq + 1,
          state: stateToWire(mine.state),
          from: holders.get(name) ?? null,
          lineage: lineageAfter(this.copy.lineage, this.copy),
          at: context.clock.now(),
          life: context.process,
          ...(peer.process !== undefined && { to: peer.process }),
        },
        true,
      );
    } catch {
      return undefined;
    }
  }

  private refused(answer: PutAnswer | undefined): Result {
    const { context, round, search } = this;
    if (answer?.type === 'refused') search.floor = Math.max(search.floor, answer.counter);
    if (answer?.type !== 'ended') return 'again';
    const { tombstone } = answer;
    const state = stateFromWire(tombstone.state, context.clock.now() - tombstone.at);
    if (!isTombstone(state) || !this.isUnchanged) return 'again';
    adoptCopy(context, { ...this.copy, ...tombstone, key: round.key, state, primaryLife: undefined });
    return { tombstone: state };
  }

  private get isUnchanged(): boolean {
    return this.context.table.get(this.round.key) === this.mine && this.mine.fenced;
  }

  private mayBegin(counter: number): boolean {
    const { timers, memory } = this.context;
    const isValid = timers.now() - this.startedAt < VALID_MS;
    return isValid && this.isUnchanged && memory.floorOf(this.round.key) < counter;
  }

  private adopted(): Replica {
    const { context, round, copy } = this;
    const { local } = round;
    if (local && sameEpoch(local, copy) && local.seq === copy.seq && local.backup === copy.backup) return local;
    const bound = context.table.boundAgainst(round.key, copy.state);
    if (bound) throw new ReplicationFailure(`this member is full: ${bound} would be passed`);
    if (local) tellDeposed(context, local, copy.node);
    return adoptCopy(context, copy);
  }
}
