import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { type Epoch, isSatisfied, NO_BACKUP, sameEpoch, type Witness } from '../copy/epoch.js';
import type { Evidence } from '../copy/evidence.js';
import type { NoSession } from '../copy/tombstone.js';
import type { Peer } from '../members/peer.js';
import { pause } from '../options/replication-timers.js';
import { endSession } from '../protocol/handle-end.js';
import { checkCopy } from '../protocol/handle-peek.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { CopyCheck } from '../protocol/replication-message.js';
import { chooseCopy } from './choose-copy.js';
import { ownCopyOf, Survey } from './survey.js';
import type { PeekedCopy } from './told-copy.js';

/** While a session moves from member to member, its copies may be where they were not when their members answered. */
const MOST_ROUNDS = 5;
const PAUSE_MS = 20;

export interface PeekRequest {
  readonly key: SessionKey;
  readonly evidence: Evidence;

  /** Epochs that are said to have begun, for example by the client's cookie. */
  readonly witnesses: readonly Witness[];

  /** Without a witness, members that do not answer count as having nothing. */
  readonly isLenient: boolean;
}

/**
 * [M6] Finds out whether the evidence of a caller opens a session that this member does not serve, before anything of
 * it is claimed. Nothing changes anywhere: who knows no more than the name of a session cannot move it.
 *
 * @returns undefined when the newest copy is to be claimed; otherwise there is no session for the caller
 * @throws ReplicationFailure when a copy that may be newer cannot be reached
 */
export async function peek(context: ReplicationContext, request: PeekRequest): Promise<NoSession | undefined> {
  const { key, evidence, isLenient } = request;
  let { witnesses } = request;
  let mustAsk: readonly Epoch[] = [];
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const survey = new Peek(context, key, witnesses, evidence);
    const serving = await survey.find(mustAsk);
    if (serving) return noSessionFor(serving.check);
    let choice = chooseCopy(survey, witnesses, isLenient);
    if (choice.is === 'unreachable' && (await survey.askSuspected())) {
      choice = chooseCopy(survey, witnesses, isLenient);
    }
    switch (choice.is) {
      case 'ended':
        endSession(context, key, choice.tombstone, context.self);
        return { tombstone: choice.tombstone };
      case 'nothing':
        return {};
      case 'unreachable':
        throw new ReplicationFailure(`members that may have it do not answer: ${choice.members.join(', ')}`);
      case 'lost': {
        const { best } = choice;
        if (!best) return undefined;
        // The caller may have had an id of the session on a branch that has yielded. Others go on with it.
        const none = noSessionFor(best.check);
        // [M6] Nothing is claimed by a text that anybody can write.
        if (!none && choice.witness.from === 'anybody') return { lost: true };
        return none && { ...none, lost: true };
      }
      case 'copy':
        return survey.answerFrom(choice.copy);
      case 'newer':
        if (choice.begun) witnesses = [...witnesses, { ...choice.epoch, from: 'member' }];
        mustAsk = [...mustAsk, choice.epoch];
        await pause(context.timers, context.options.random() * PAUSE_MS);
    }
  }
  throw new ReplicationFailure('its owners change too often');
}

/** @returns undefined when the caller gets the session */
export function noSessionFor(check: CopyCheck): NoSession | undefined {
  if (check === 'granted') return undefined;
  if (check === 'expired') return {};
  return { isThere: true, ...(check === 'superseded' && { isSuperseded: true }) };
}

/** Asks members whether the evidence opens their copies of a session. */
class Peek extends Survey<PeekedCopy> {
  /** A peek makes no promise. The claim that comes after it finds out which epochs have begun meanwhile. */
  readonly promisedFloor = Infinity;

  private onServing: (copy: PeekedCopy) => void = () => undefined;

  constructor(
    context: ReplicationContext,
    key: SessionKey,
    witnesses: readonly Witness[],
    private readonly evidence: Evidence,
  ) {
    super(context, key, witnesses, new Set());
    const { local } = this;
    if (local) this.note({ ...ownCopyOf(context, local), ...checkCopy(context, local, evidence) });
  }

  /**
   * Asks until a member answers that serves the session, which knows best, or until no more is to be known.
   * @returns the copy of that member
   */
  async find(mustAsk: readonly Epoch[]): Promise<PeekedCopy | undefined> {
    const found = new Promise<PeekedCopy>((resolve) => (this.onServing = resolve));
    return Promise.race([found, this.run(mustAsk).then(() => this.copies.find((copy) => this.isServed(copy)))]);
  }

  /** The answer of the newest copy, if no silent member can know better. */
  answerFrom(copy: PeekedCopy): NoSession | undefined {
    const silent = [...this.unanswered].filter(([, reason]) => reason !== 'refused').map(([name]) => name);
    if ((copy.check === 'none' || copy.check === 'superseded') && silent.length > 0) {
      throw new ReplicationFailure(`members that may know another id of it do not answer: ${silent.join(', ')}`);
    }
    return noSessionFor(copy.check);
  }

  protected override get isSettled(): boolean {
    return this.copies.some((copy) => this.isServed(copy) || this.isFollowed(copy));
  }

  protected override async send(peer: Peer, persistently: boolean): Promise<boolean> {
    const { key, evidence, context } = this;
    const sentAt = context.timers.now();
    const answer = await context.calls.ask(peer, { type: 'peek', key, evidence }, persistently);
    if (answer.type !== 'checked') {
      this.noteAbsence(peer, answer);
      return false;
    }
    const { place, generation, renewedIn, check, isServing } = answer;
    this.note({ ...this.factsOf(peer, answer, sentAt), ...place, generation, renewedIn, check, isServing });
    return !answer.fenced;
  }

  private note(copy: PeekedCopy): void {
    this.copies.push(copy);
    if (this.isServed(copy)) this.onServing(copy);
  }

  private isServed(copy: PeekedCopy): boolean {
    return copy.isServing && this.isAsNew(copy);
  }

  /** Both owners of its epoch have it, and nobody has claimed it. */
  private isFollowed({ node, backup, ...copy }: PeekedCopy): boolean {
    const owners = this.copies.filter((other) => sameEpoch(other, { ...copy, node }) && !other.wasFenced);
    const isAt = (name: string): boolean => owners.some(({ holder }) => holder === name);
    return backup !== NO_BACKUP && isAt(node) && isAt(backup) && this.isAsNew({ ...copy, node, backup });
  }

  private isAsNew(copy: Parameters<typeof isSatisfied>[1]): boolean {
    return this.witnesses.every((witness) => isSatisfied(witness, copy));
  }
}
