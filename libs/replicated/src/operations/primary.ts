import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { isSatisfied, type Owners } from '../copy/epoch.js';
import { Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { applyDelta, type StateDelta } from '../copy/state-delta.js';
import { isTombstone, type NoSession, type Tombstone } from '../copy/tombstone.js';
import { stateToWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { fenceReplica } from '../protocol/fence-replica.js';
import { refuseTooLarge } from '../protocol/limits.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { ReplicationFailure } from '../protocol/replication-failure.js';
import type { PutAnswer } from '../protocol/replication-message.js';
import { newEpoch } from '../take-over/new-epoch.js';
import type { OperationOutcome, SessionOperation } from './session-operations.js';

/** An operation begins again at most this often because the session was taken away under it. */
const MOST_STARTS = 12;

/** The answer of an operation, and the copy from which it was given. */
export interface Served<T> {
  readonly value: T;
  readonly replica?: Replica;
}

/** Answers for the sessions whose primary this member is, and becomes the primary of the sessions it is asked for. */
export class Primary {
  constructor(
    private readonly context: ReplicationContext,
    /** Asks a member whether it is there; resolves with whether it has answered. */
    private readonly ping: (peer: Peer) => Promise<boolean>,
  ) {}

  /**
   * The copy from which this member may answer at this very moment, without asking anybody: this member is the primary
   * of an epoch that is as new as the client was shown, and its backup still follows it.
   */
  servable(key: SessionKey, witness: Owners | undefined): Replica | undefined {
    const replica = this.context.table.get(key);
    return replica && this.mayServe(replica, witness ? [witness] : []) && this.hasLease(replica) ? replica : undefined;
  }

  /** Runs the operation in the queue of the session. @throws ReplicationFailure */
  async run<T>(
    key: SessionKey,
    witness: Owners | undefined,
    isLenient: boolean,
    operation: SessionOperation<T>,
  ): Promise<Served<T>> {
    return this.context.queue.run(key, () => this.serve(key, witness, isLenient, operation));
  }

  private async serve<T>(
    key: SessionKey,
    witness: Owners | undefined,
    isLenient: boolean,
    operation: SessionOperation<T>,
  ): Promise<Served<T>> {
    const { clock, memory } = this.context;
    const avoid = new Set<string>();
    let sentFrom: SessionState | undefined = undefined;
    let tried: Owners | undefined = undefined;
    for (let start = 0; start < MOST_STARTS; start++) {
      const witnesses: Owners[] = [witness, memory.movedTo(key), tried].filter((epoch) => epoch !== undefined);
      const replica = await this.own(key, witnesses, avoid, isLenient);
      if (!(replica instanceof Replica)) return { value: operation.onNone(replica) };
      const { state } = replica;
      const now = clock.now();
      if (isTombstone(state)) return { value: operation.onNone({ tombstone: state }) };
      if (replica.isExpired(now) && !operation.ignoresExpiry) return { value: operation.onNone({}) };
      const outcome: OperationOutcome<T> = operation.onSession(state, now, sentFrom);
      if (!outcome.change) return { value: outcome.answer(state), replica };
      if (await this.replicate(replica, state, outcome.change, avoid)) {
        return { value: outcome.answer(replica.state), replica };
      }
      sentFrom ??= state;
      // The caller has read from this epoch: no older state may be taken for its answer.
      tried = replica;
    }
    throw new ReplicationFailure('its owners change too often');
  }

  /** Makes sure that this member may answer for the session. */
  private async own(
    key: SessionKey,
    witnesses: readonly Owners[],
    avoid: Set<string>,
    isLenient: boolean,
  ): Promise<Replica | NoSession> {
    const { table, members } = this.context;
    const replica = table.get(key);
    if (replica && this.mayServe(replica, witnesses)) {
      if (this.hasLease(replica)) return replica;
      const backup = members.get(replica.backup);
      if (backup && !(await this.ping(backup))) avoid.add(backup.name);
      if (table.get(key) === replica && this.mayServe(replica, witnesses) && this.hasLease(replica)) return replica;
    }
    return newEpoch(this.context, { key, witnesses, avoid, isLenient });
  }

  private mayServe(replica: Replica, witnesses: readonly Owners[]): boolean {
    if (!replica.isOwn || replica.fenced || isTombstone(replica.state)) return false;
    return witnesses.every((witness) => isSatisfied(witness, replica));
  }

  /** A member that takes the session over without reaching this member waits until this lease has ended. */
  private hasLease(replica: Replica): boolean {
    if (replica.isAlone) return true;
    const { members, timers, options } = this.context;
    const backup = members.get(replica.backup);
    if (!backup || backup.incarnations !== replica.partnerGeneration) return false;
    return timers.now() - Math.max(backup.followedAt, replica.confirmedAt) < options.leaseMs;
  }

  /**
   * Makes a change at both owners. It becomes visible here when the backup has it, not before.
   *
   * @returns false when the epoch is over and the change must be tried again
   */
  private async replicate(
    replica: Replica,
    state: SessionState,
    change: StateDelta | Tombstone,
    avoid: Set<string>,
  ): Promise<boolean> {
    const { context } = this;
    const { table, timers, members, self } = context;
    const isEnd = 'endedAt' in change;
    const next = isEnd ? change : applyDelta(state, change);
    if (!isEnd && change.parts) refuseTooLarge(context, next as SessionState);
    const bound = table.boundAgainst(replica.key, next);
    if (bound) throw new ReplicationFailure(`this member is full: the change would pass ${bound}`);
    const seq = replica.seq + 1;
    const isCurrent = (): boolean => table.get(replica.key) === replica && !replica.fenced && replica.seq === seq - 1;
    if (!isCurrent()) return false;
    if (!replica.isAlone) {
      const sentAt = timers.now();
      const answer = await this.put(replica, seq, next, isEnd ? undefined : change);
      if (answer?.type !== 'ok') {
        if (answer === undefined || answer.type === 'full') avoid.add(replica.backup);
        // It is not known whether the backup has the change, so no other change may have its number: the epoch is over.
        if (table.get(replica.key) === replica) fenceReplica(context, replica, self);
        return false;
      }
      members.get(replica.backup)?.noteIncarnation(answer.incarnation);
      if (!isCurrent()) return false;
      replica.confirmedAt = Math.max(replica.confirmedAt, sentAt);
    }
    table.advance(replica, seq, isTombstone(next) ? { ...next, isFinal: true } : next);
    return true;
  }

  /** @returns undefined when the backup does not answer */
  private async put(
    replica: Replica,
    seq: number,
    next: SessionState | Tombstone,
    delta: StateDelta | undefined,
  ): Promise<PutAnswer | undefined> {
    const { members, calls, clock, process } = this.context;
    const peer = members.get(replica.backup);
    if (!peer) return undefined;
    const { key, counter, backup } = replica;
    const message = { type: 'put', key, counter, backup, seq, at: clock.now(), process } as const;
    try {
      return await calls.ask(peer, { ...message, ...(delta ? { delta } : { state: stateToWire(next) }) }, true);
    } catch {
      return undefined;
    }
  }
}
