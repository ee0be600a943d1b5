import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { nextCounter, NO_BACKUP } from '../copy/epoch.js';
import { FIRST_SEQ, Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { stateToWire, tombstoneFromWire } from '../copy/wire-state.js';
import type { Peer } from '../members/peer.js';
import { endSession } from '../protocol/handle-end.js';
import { obstacleToBeingAlone, refuseTooLarge } from '../protocol/limits.js';
import type { ReplicationContext } from '../protocol/replication-context.js';
import { type ChangeAttempt, ReplicationFailure } from '../protocol/replication-failure.js';
import type { PutAnswer } from '../protocol/replication-message.js';
import type { ReplicationCallError } from '../transports/replication-transport.js';
import type { Room } from './room.js';

const UNKNOWN_ATTEMPT = 'whether a member has taken the first copy of it is not known, and quorum is on';

/**
 * Begins the first epoch of a session. No member is asked before, because the key was made a moment ago; the backup
 * notices if it was not, because the first state of every session has the same number.
 *
 * Called in the session's queue.
 *
 * @returns `exists` when a member has a copy of it, or its tombstone
 * @throws ReplicationFailure when no copy can be made
 */
export async function beginSession(
  context: ReplicationContext,
  room: Room,
  key: SessionKey,
  state: SessionState,
): Promise<Replica | 'exists'> {
  if (isKnown(context, key)) return 'exists';
  refuseTooLarge(context, state);
  const release = await room.take(key, state);
  try {
    return isKnown(context, key) ? 'exists' : await beginEpoch(context, key, state);
  } finally {
    release();
  }
}

async function beginEpoch(
  context: ReplicationContext,
  key: SessionKey,
  state: SessionState,
): Promise<Replica | 'exists'> {
  const { table, members, timers, options, self, events, memory } = context;
  const now = timers.now();
  const order = members.inBackupOrder(
    key,
    members.others.filter((peer) => peer.isUsable(now)),
  );
  if (options.quorum && memory.attemptedAt(key) > 0) throw new ReplicationFailure(UNKNOWN_ATTEMPT, true);
  // An earlier attempt may have left copies although nobody answered.
  let counter = Math.max(memory.attemptedAt(key), memory.floorOf(key));
  const attempt: ChangeAttempt = { mayBeApplied: false };
  for (const name of [...order.map((peer) => peer.name), NO_BACKUP]) {
    counter = nextCounter(counter, options.random);
    const peer = members.get(name);
    const sentAt = timers.now();
    memory.noteAttempt(key, counter);
    if (peer) {
      const answer = await putFirst(context, peer, { key, counter, state }, attempt);
      if (table.get(key) || table.endOf(key) || memory.floorOf(key) >= counter) return 'exists';
      if (answer?.type === 'refused') return 'exists';
      if (answer?.type === 'ended') {
        endSession(context, key, tombstoneFromWire(answer.tombstone, context.clock.now() - answer.at), peer.name);
        return 'exists';
      }
      // It is not known whether the member has a copy, so the attempt with the next member has another counter.
      if (answer?.type !== 'ok') continue;
      peer.noteIncarnation(answer.incarnation);
    } else if (name !== NO_BACKUP) {
      continue;
    } else {
      const obstacle = obstacleToBeingAlone(context);
      if (obstacle !== undefined) {
        throw new ReplicationFailure(`no other member can take a copy, and ${obstacle}`, attempt.mayBeApplied);
      }
      events.session('alone', key);
    }
    const replica = new Replica({
      key,
      counter,
      node: self,
      backup: name,
      seq: FIRST_SEQ,
      state,
      isOwn: true,
      partnerGeneration: peer?.incarnations ?? 0,
      lineage: '',
      isOneLine: !attempt.mayBeApplied,
    });
    replica.confirmedAt = sentAt;
    table.install(replica);
    return replica;
  }
  throw new ReplicationFailure('no member can take a copy', attempt.mayBeApplied);
}

/** This member has something of the session, or was asked to refuse it. */
function isKnown({ table, refusedCreations, clock }: ReplicationContext, key: SessionKey): boolean {
  return Boolean(table.get(key) ?? table.endOf(key)) || refusedCreations.has(key, clock.now());
}

/** @returns undefined when the member does not answer */
async function putFirst(
  { calls, clock, process, options }: ReplicationContext,
  peer: Peer,
  { key, counter, state }: { readonly key: SessionKey; readonly counter: number; readonly state: SessionState },
  attempt: ChangeAttempt,
): Promise<PutAnswer | undefined> {
  const message = {
    type: 'put',
    key,
    counter,
    backup: peer.name,
    seq: FIRST_SEQ,
    at: clock.now(),
    process,
    from: null,
    ...(peer.process !== undefined && { receiver: peer.process }),
    state: stateToWire(state),
  } as const;
  try {
    return await calls.ask(peer, message, true);
  } catch (error) {
    if ((error as ReplicationCallError).mayHaveArrived) {
      // Others could go on from such a copy while this member and the next backup are cut off: no promise tells of it.
      if (options.quorum) throw new ReplicationFailure(UNKNOWN_ATTEMPT, true);
      attempt.mayBeApplied = true;
    }
    return undefined;
  }
}
