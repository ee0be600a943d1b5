import { isPromise, type MaybePromise, type SessionKey } from 'nestjs-session-beans/store-kit';
import type { Witness } from '../copy/epoch.js';
import type { Evidence } from '../copy/evidence.js';
import type { Locators } from '../copy/locators.js';
import { Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { applyDelta, type StateDelta } from '../copy/state-delta.js';
import { isTombstone, type NoSession, type Tombstone } from '../copy/tombstone.js';
import { stateToWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { pause } from '../options/replication-timers.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import { endSession } from '../protocol/handle-end.js';
import { checkReplica } from '../protocol/handle-peek.js';
import { hasLease, isPrimaryOf } from '../protocol/lease.js';
import { refuseTooLarge } from '../protocol/limits.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { type ChangeAttempt, ReplicationFailure } from '../protocol/replication-failure.js';
import type { PutAnswer } from '../protocol/replication-message.js';
import { newEpoch } from '../take-over/new-epoch.js';
import { noSessionFor, peek } from '../take-over/peek.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import { Room } from './room.js';
import type { OperationOutcome, SessionOperation } from './session-operations.js';

/** An operation begins again at most this often because the session was taken away under it. */
const MOST_STARTS = 12;

const BACK_OFF_MS = { step: 10, most: 60 } as const;

/** One call of a method of the store. */
export interface OperationCall<T> {
  readonly key: SessionKey;
  readonly operation: SessionOperation<T>;

  /** By the caller's locator. */
  readonly witness: Witness | undefined;

  /** Without a witness, members that do not answer count as having nothing. */
  readonly isLenient: boolean;

  /** Whether the change may have been applied before this call. */
  readonly attempt: ChangeAttempt;
}

/** The answer of an operation, and the locator of the session as it was then. */
export interface Served<T> {
  readonly value: T;
  readonly locator?: string;
}

/** The next state of a session at its epoch. */
interface Step {
  readonly seq: number;
  readonly next: SessionState | Tombstone;

  /** The state that it makes of the session; undefined where the session ends. */
  readonly delta: StateDelta | undefined;
}

/** Answers for the sessions whose primary this member is, and becomes the primary of the sessions it is asked for. */
export class Primary {
  readonly room: Room;

  constructor(
    private readonly context: ReplicationContext,
    private readonly locators: Locators,
    /** Asks a member whether it is there; resolves with whether it has answered. */
    private readonly ping: (peer: Peer) => Promise<boolean>,
  ) {
    this.room = new Room(context, async (replica, state, tombstone) => {
      const after = await this.replicate(replica, state, tombstone, new Set(), { mayBeApplied: false });
      return after !== undefined;
    });
  }

  /**
   * The copy from which this member may answer at this very moment, without asking anybody: this member is the primary
   * of an epoch that is as new as the client was shown, and its backup still follows it.
   */
  servable(key: SessionKey, witness: Witness | undefined): Replica | undefined {
    return this.servableTo(key, witness ? [witness] : []);
  }

  private servableTo(key: SessionKey, witnesses: readonly Witness[]): Replica | undefined {
    const replica = this.context.table.get(key);
    return replica && isPrimaryOf(replica, witnesses) && this.hasLease(replica) ? replica : undefined;
  }

  /**
   * Compares the evidence of the caller, then runs the operation in the queue of the session. Callers whose evidence
   * opens nothing do not come into that queue.
   *
   * @throws ReplicationFailure
   */
  async run<T>(call: OperationCall<T>): Promise<Served<T>> {
    const { key, operation } = call;
    const refusal = operation.evidence && this.refusal(call, operation.evidence);
    const none = isPromise(refusal) ? await refusal : refusal;
    if (none) return { value: operation.onNone(none) };
    try {
      return await this.context.queue.run(key, () => this.serve(call));
    } catch (error) {
      if (!(error instanceof ReplicationFailure && call.attempt.mayBeApplied)) throw error;
      throw new ReplicationFailure(error.message, true);
    }
  }

  /**
   * The usual case, this member being the primary with a lease, is answered at once here and in `own`: promises are a
   * good part of what a write costs.
   *
   * @returns undefined when the caller gets the session, as far as is known before its turn has come
   */
  private refusal<T>(call: OperationCall<T>, evidence: Evidence): MaybePromise<NoSession | undefined> {
    const { key, witness } = call;
    const tombstone = this.context.table.endOf(key);
    if (tombstone) return this.noSession(key, evidence, { tombstone });
    const witnesses = this.witnessesOf(key, witness);
    const replica = this.servableTo(key, witnesses);
    return replica ? this.refusalBy(replica, evidence) : this.refusalLater(call, evidence, witnesses);
  }

  private refusalBy(replica: Replica, evidence: Evidence): NoSession | undefined {
    const none = noSessionFor(checkReplica(this.context, replica, evidence));
    return none && this.noSession(replica.key, evidence, none);
  }

  private async refusalLater<T>(
    { key, isLenient }: OperationCall<T>,
    evidence: Evidence,
    witnesses: readonly Witness[],
  ): Promise<NoSession | undefined> {
    const replica = this.context.table.get(key);
    const isPrimary = replica !== undefined && isPrimaryOf(replica, witnesses);
    if (isPrimary && (await this.regainsLease(replica, witnesses))) return this.refusalBy(replica, evidence);
    if (this.isKnownAsLost(key, witnesses)) return this.noSession(key, evidence, {});
    const none = await peek(this.context, { key, evidence, witnesses, isLenient });
    return none && this.noSession(key, evidence, none);
  }

  private async serve<T>({ key, witness, isLenient, operation, attempt }: OperationCall<T>): Promise<Served<T>> {
    const { clock } = this.context;
    const { evidence } = operation;
    const avoid = new Set<string>();
    let sentFrom: SessionState | undefined = undefined;
    let tried: Witness | undefined = undefined;
    for (let start = 0; start < MOST_STARTS; start++) {
      // Two members that take the session from each other at once would go on like that.
      if (start > 2)
        await pause(
          this.context.timers,
          this.context.options.random() * Math.min(start * BACK_OFF_MS.step, BACK_OFF_MS.most),
        );
      const witnesses: Witness[] = [...this.witnessesOf(key, witness), ...(tried ? [tried] : [])];
      const owned = this.servableTo(key, witnesses);
      const replica = owned ?? (await this.own({ key, witnesses, avoid, isLenient, evidence }));
      if (!(replica instanceof Replica)) return { value: operation.onNone(this.noSession(key, evidence, replica)) };
      const { state } = replica;
      const now = clock.now();
      if (isTombstone(state)) return { value: operation.onNone(this.noSession(key, evidence, { tombstone: state })) };
      const none = noSessionFor(checkReplica(this.context, replica, evidence));
      if (none) return { value: operation.onNone(this.noSession(key, evidence, none)) };
      const outcome: OperationOutcome<T> = operation.onSession(state, now, sentFrom);
      if (!outcome.change) return this.served(outcome.answer(state), replica);
      const after = await this.replicate(replica, state, outcome.change, avoid, attempt);
      if (after) return this.served(outcome.answer(after), replica);
      sentFrom ??= state;
      // The caller has read from this epoch: no older state may be taken for its answer.
      const { counter, node, backup, generation } = replica;
      tried = { counter, node, backup, generation, from: 'member' };
    }
    throw new ReplicationFailure('its owners change too often');
  }

  /** Call it in the turn of the session: the next operation may give it another id, and thus another locator. */
  served<T>(value: T, replica: Replica): Served<T> {
    const { key, state } = replica;
    if (isTombstone(state)) return { value };
    replica.locator ??= this.locators.textOf({ key, proof: state.proof }, replica);
    return { value, locator: replica.locator };
  }

  /** Makes sure that this member may answer for the session, which it may not yet. */
  private async own(request: {
    readonly key: SessionKey;
    readonly witnesses: readonly Witness[];
    readonly avoid: Set<string>;
    readonly isLenient: boolean;
    readonly evidence: Evidence | undefined;
  }): Promise<Replica | NoSession> {
    const { key, witnesses, avoid } = request;
    const replica = this.context.table.get(key);
    const isPrimary = replica !== undefined && isPrimaryOf(replica, witnesses);
    if (isPrimary && (await this.regainsLease(replica, witnesses, avoid))) return replica;
    return newEpoch(this.context, request);
  }

  /** A method, so that tests can break it. */
  private hasLease(replica: Replica): boolean {
    return hasLease(this.context, replica);
  }

  /** @param avoid gets the backup if that does not answer */
  private async regainsLease(replica: Replica, witnesses: readonly Witness[], avoid?: Set<string>): Promise<boolean> {
    const { members, table } = this.context;
    const backup = members.get(replica.backup);
    if (backup && !(await this.ping(backup))) avoid?.add(backup.name);
    return table.get(replica.key) === replica && isPrimaryOf(replica, witnesses) && this.hasLease(replica);
  }

  private witnessesOf(key: SessionKey, witness: Witness | undefined): Witness[] {
    const moved = this.context.memory.movedTo(key);
    return [...(witness ? [witness] : []), ...(moved ? [{ ...moved, from: 'member' as const }] : [])];
  }

  private isKnownAsLost(key: SessionKey, witnesses: readonly Witness[]): boolean {
    return witnesses.some((witness) => this.context.memory.isLost(key, witness));
  }

  /** [I15] Where there is no session, the id may be one whose client has logged in meanwhile. */
  private noSession(key: SessionKey, evidence: Evidence | undefined, none: NoSession): NoSession {
    if (none.isThere || evidence?.proof === undefined) return none;
    const { superseded, clock } = this.context;
    return superseded.has(`${key} ${evidence.proof}`, clock.now()) ? { ...none, isSuperseded: true } : none;
  }

  /**
   * Makes a change at both owners. It becomes visible here when the backup has it, not before.
   *
   * @param attempt learns whether the backup may have taken a change that has to be tried again
   * @returns the state after it; undefined when the epoch is over and the change must be tried again
   */
  private async replicate(
    replica: Replica,
    state: SessionState,
    change: StateDelta | Tombstone,
    avoid: Set<string>,
    attempt: ChangeAttempt,
  ): Promise<SessionState | Tombstone | undefined> {
    const { key, counter, node } = replica;
    const delta = isEnd(change) ? undefined : change.renewal ? { ...change, renewedIn: { counter, node } } : change;
    const next = delta ? applyDelta(state, delta) : (change as Tombstone);
    if (delta?.parts) refuseTooLarge(this.context, next as SessionState);
    const step = { seq: replica.seq + 1, next, delta };
    // [I8] A login is refused no room, nor is a new id that adds nothing.
    const mustFit = !isTombstone(next) && delta?.renewal?.principal === undefined;
    const taken = mustFit ? this.room.take(key, next) : this.context.table.reserve(key, next);
    const release = isPromise(taken) ? await taken : taken;
    try {
      return await this.makeStep(replica, step, avoid, attempt);
    } finally {
      release();
    }
  }

  private async makeStep(
    replica: Replica,
    step: Step,
    avoid: Set<string>,
    attempt: ChangeAttempt,
  ): Promise<SessionState | Tombstone | undefined> {
    const { context } = this;
    const { table, timers, members, self } = context;
    const { key } = replica;
    const { seq, next } = step;
    const isCurrent = (): boolean => table.get(key) === replica && !replica.fenced && replica.seq === seq - 1;
    if (!isCurrent()) return undefined;
    if (!replica.isAlone) {
      const sentAt = timers.now();
      const answer = await this.put(replica, step, attempt);
      if (answer?.type !== 'ok') {
        if (answer === undefined || answer.type === 'full') avoid.add(replica.backup);
        // It is not known whether the backup has the change, so no other change may have its number: the epoch is over.
        if (table.get(key) === replica) fenceReplica(context, replica, self);
        return undefined;
      }
      members.get(replica.backup)?.noteIncarnation(answer.incarnation);
      if (!isCurrent()) {
        attempt.mayBeApplied = true;
        return undefined;
      }
      replica.confirmedAt = Math.max(replica.confirmedAt, sentAt);
    }
    if (isTombstone(next)) endSession(context, key, next, self);
    else table.advance(replica, seq, next);
    return next;
  }

  /** @returns undefined when the backup does not answer */
  private async put(
    replica: Replica,
    { seq, next, delta }: Step,
    attempt: ChangeAttempt,
  ): Promise<PutAnswer | undefined> {
    const { members, calls, clock, process } = this.context;
    const peer = members.get(replica.backup);
    if (!peer) return undefined;
    const { key, counter, backup } = replica;
    const message = { type: 'put', key, counter, backup, seq, at: clock.now(), process } as const;
    const content = delta ? { delta } : { state: stateToWire(next) };
    const onRepeat = (): void => {
      attempt.mayBeApplied = true;
    };
    try {
      return await calls.ask(peer, { ...message, ...content }, true, onRepeat);
    } catch (error) {
      attempt.mayBeApplied ||= (error as ReplicationCallError).mayHaveArrived;
      return undefined;
    }
  }
}

function isEnd(change: StateDelta | Tombstone): change is Tombstone {
  return 'callId' in change;
}
