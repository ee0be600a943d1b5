import { adoptCopy } from './adopt-copy.js';
import type { ClaimRound } from './claim-round.js';
import type { ClaimedCopy } from './claimed-copy.js';
import { type Epoch, NO_BACKUP } from './epoch.js';
import type { EpochSearch } from './epoch-search.js';
import { lineageAfter } from './lineage-after.js';
import type { NoSession } from './no-session.js';
import { obstacleToBeingAlone } from './obstacle-to-being-alone.js';
import { pause } from './pause.js';
import type { Peer } from './peer.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import { ReplicationFailure } from './replication-failure.js';
import type { PutAnswer } from './replication-message.js';
import { rendezvousOrder } from './rendezvous-order.js';
import { requestConsent } from './request-consent.js';
import { sameEpoch } from './same-epoch.js';
import { stateFromWire } from './state-from-wire.js';
import { stateToWire } from './state-to-wire.js';
import { isTombstone } from './is-tombstone.js';

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

  private mine: Replica;

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
    await this.waitForLease();
    if (!this.isUnchanged) return 'again';

    const now = timers.now();
    const usable = members.others.filter((peer) => peer.isUsable(now) && !search.avoid.has(peer.name));
    const order = rendezvousOrder(round.key, usable.map(({ member }) => member), members.zone);
    let counter = Math.max(round.floor, search.floor, memory.floorOf(round.key));
    for (const backup of [...order.map(({ name }) => name), NO_BACKUP]) {
      const obstacle = backup === NO_BACKUP ? obstacleToBeingAlone(context) : undefined;
      if (obstacle !== undefined) throw new ReplicationFailure(`no other member can take a copy, and ${obstacle}`);
      const result = await this.begin(++counter, backup);
      if (result !== 'next backup') return result;
    }
    return 'again';
  }

  /** Nobody answers for the primary of the last epoch: it may be alive, and answer reads until its lease ends. */
  private async waitForLease(): Promise<void> {
    const { copy, round, context } = this;
    const { timers, options, self } = context;
    const { node } = copy;
    const steppedDown = round.copies.some((other) => other.holder === node && sameEpoch(other, copy));
    const isKnownNotToServe = round.none.has(node) || round.copies.some(({ holder }) => holder === node);
    if (node === self || steppedDown || isKnownNotToServe || round.unanswered.get(node) === 'refused') return;
    const heard = round.copies.filter((other) => sameEpoch(other, copy)).map(({ primaryHeardAt }) => primaryHeardAt);
    const leaseMs = Math.max(...heard) + options.leaseMs - timers.now();
    if (leaseMs > 0) await pause(timers, Math.min(leaseMs, options.leaseMs));
  }

  private async begin(counter: number, backup: string): Promise<Result> {
    const { context, round, search, holders } = this;
    const { key } = round;
    if (context.promises) {
      const obstacle = await this.seekConsent(counter);
      if (obstacle) return obstacle;
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
      if (answer?.type !== 'ok') return this.refused(answer);
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
    const replica = new Replica(key, counter, self, backup, mine.seq + 1, mine.state, true, bond, lineageAfter(copy.lineage, copy));
    replica.confirmedAt = sentAt;
    table.install(replica);
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

  /** With quorum. @returns what stands against the epoch */
  private async seekConsent(counter: number): Promise<'again' | undefined> {
    const { context, round, copy, search } = this;
    const consent = await requestConsent(context, round.key, counter, copy.counter);
    for (const promise of consent.before) search.floor = Math.max(search.floor, promise.counter);
    const others = consent.before.filter(({ node }) => node !== context.self);
    if (!consent.isGiven) {
      if (!consent.before.some((promise) => promise.counter >= counter)) {
        throw new ReplicationFailure('less than half of the members consent to a new owner, and quorum is on');
      }
      search.mustHear = [...search.mustHear, ...others];
      return 'again';
    }
    for (const promise of others) {
      if (this.hasBeenHeard(promise)) continue;
      const isAsked = round.unanswered.has(promise.node) && round.promisedFloor >= promise.counter;
      if (isAsked && !((await round.askSuspected()) && this.hasBeenHeard(promise))) {
        throw new ReplicationFailure(`member '${promise.node}' may have it, and does not answer`);
      }
      search.mustHear = [...search.mustHear, promise];
      return 'again';
    }
    return this.isUnchanged ? undefined : 'again';
  }

  /** Its member has said what it has while it knew that the promise was known, so it will not begin that epoch; or it does not exist any more. */
  private hasBeenHeard({ node, counter }: Epoch): boolean {
    const { round, context } = this;
    if (context.members.isGone(node)) return true;
    const hasAnswered = round.none.has(node) || round.copies.some(({ holder }) => holder === node);
    if (hasAnswered) return round.promisedFloor >= counter;
    // Its process has ended. The backup it may have given a copy is one of those who answered.
    return round.unanswered.get(node) === 'refused' && [...round.unanswered.values()].every((why) => why === 'refused');
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
    return adoptCopy(context, copy);
  }
}
