import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { NO_BACKUP } from './epoch.js';
import { adoptCopy } from './adopt-copy.js';
import { FIRST_SEQ } from './first-seq.js';
import { nextCounter } from './next-counter.js';
import { obstacleToBeingAlone } from './obstacle-to-being-alone.js';
import { refuseTooLarge } from './refuse-too-large.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { ReplicationCallError } from './replication-call.error.js';
import { ReplicationFailure } from './replication-failure.js';
import type { PutAnswer } from './replication-message.js';
import { rendezvousOrder } from './rendezvous-order.js';
import type { SessionState } from './session-state.js';
import { stateFromWire } from './state-from-wire.js';
import { stateToWire } from './state-to-wire.js';

const unknownAttempt = 'whether a member has taken the first copy of it is not known, and quorum is on';

/**
 * The first epoch of a session, which nobody is asked about: its key was made a moment ago. The backup knows if that is not so, because every member
 * begins with the same one.
 *
 * Called in the session's queue, when there is nothing here.
 *
 * @returns `exists` when somebody has a copy of it, or its tombstone
 * @throws ReplicationFailure when no copy can be made
 */
export async function beginSession(
  context: ReplicationContext,
  key: SessionKey,
  state: SessionState,
): Promise<Replica | 'exists'> {
  const { table, members, timers, options, self, events, memory, calls, clock, process } = context;
  refuseTooLarge(context, state);
  const bound = table.boundAgainst(key, state);
  if (bound) {
    throw new ReplicationFailure(
      `this member is full (${table.size} sessions, ${table.bytes} bytes), a new session would pass ${bound}, which is ` +
        `${options[bound]}; raise ${bound} of ReplicatedSessionStore, shorten the lifetimes, or add members`,
    );
  }
  const now = timers.now();
  const usable = members.others.filter((peer) => peer.isUsable(now));
  const order = rendezvousOrder(
    key,
    usable.map(({ member }) => member),
    members.zone,
  );
  if (options.quorum && memory.attemptedAt(key) > 0) throw new ReplicationFailure(unknownAttempt);
  // An earlier attempt may have left copies without its being known.
  let counter = Math.max(memory.attemptedAt(key), memory.floorOf(key));
  for (const backup of [...order.map(({ name }) => name), NO_BACKUP]) {
    counter = nextCounter(counter, options.random);
    const peer = members.get(backup);
    const sentAt = timers.now();
    memory.noteAttempt(key, counter);
    if (peer) {
      const message = {
        type: 'put',
        key,
        counter,
        backup,
        seq: FIRST_SEQ,
        at: clock.now(),
        life: process,
        from: null,
        ...(peer.process !== undefined && { to: peer.process }),
      } as const;
      const answer = await calls
        .ask(peer, { ...message, state: stateToWire(state) }, true)
        .catch((error: ReplicationCallError): PutAnswer | undefined => {
          // The others could go on from such a copy while this member and the next backup are cut off: no grant says that there is another.
          if (options.quorum && error.reason !== 'refused') throw new ReplicationFailure(unknownAttempt);
          return undefined;
        });
      if (table.get(key) || memory.floorOf(key) >= counter) return 'exists';
      if (answer?.type === 'refused') return 'exists';
      if (answer?.type === 'ended') {
        const { tombstone } = answer;
        const ended = stateFromWire(tombstone.state, clock.now() - tombstone.at);
        adoptCopy(context, {
          ...tombstone,
          key,
          state: ended,
          holder: backup,
          holderLife: undefined,
          wasFenced: true,
          primaryLife: undefined,
          putAt: Number.NEGATIVE_INFINITY,
          primaryHeardAt: 0,
        });
        return 'exists';
      }
      // Whether it has a copy is not known: the next one begins an epoch with another number.
      if (answer?.type !== 'ok') continue;
      peer.noteBond(answer.life);
    } else if (backup !== NO_BACKUP) {
      continue;
    } else {
      const obstacle = obstacleToBeingAlone(context);
      if (obstacle !== undefined) throw new ReplicationFailure(`no other member can take a copy, and ${obstacle}`);
      events.session('alone', key);
    }
    const replica = new Replica(key, counter, self, backup, FIRST_SEQ, state, true, peer?.bond ?? 0, '');
    replica.confirmedAt = sentAt;
    table.install(replica);
    return replica;
  }
  throw new ReplicationFailure('no member can take a copy');
}
