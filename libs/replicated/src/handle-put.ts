import { applyDelta } from './apply-delta.js';
import type { Epoch } from './epoch.js';
import { fenceReplica } from './fence-replica.js';
import { FIRST_SEQ } from './first-seq.js';
import { hasForked } from './has-forked.js';
import { isOwner } from './is-owner.js';
import { isEnded } from './is-ended.js';
import { isTombstone } from './is-tombstone.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { PutAnswer, PutMessage } from './replication-message.js';
import { sameEpoch } from './same-epoch.js';
import type { SessionState } from './session-state.js';
import { shiftDelta } from './shift-delta.js';
import { stateFromWire } from './state-from-wire.js';
import { tellCopy } from './tell-copy.js';
import type { Tombstone } from './tombstone.js';

/**
 * The sender is the primary of an epoch and wants this member to have its next state, or to know that the epoch has begun. Saying `ok` is a promise: what was
 * put is here, and nobody is told of an older state of the session any more.
 */
export function handlePut(context: ReplicationContext, sender: string, message: PutMessage): PutAnswer {
  const { table, members } = context;
  const peer = members.get(sender);
  const own = table.get(message.key);
  // A process that has ended speaks: whatever it puts was never acknowledged.
  if (!peer?.noteMessage(message.life, context.timers.now())) return refusal(context, message, own);
  const aheadMs = context.clock.now() - message.at;
  const state = message.state && stateFromWire(message.state, aheadMs);

  // An ended session stays ended: nothing follows a tombstone, whatever its counter.
  if (own && isEnded(own.state)) return { type: 'ended', tombstone: tellCopy(context, own) };
  if (own && sameEpoch(own, { counter: message.counter, node: sender })) {
    return follow(context, own, message, state, aheadMs);
  }
  return begin(context, sender, own, message, state);
}

/** The next state of the epoch that this copy belongs to. */
function follow(
  context: ReplicationContext,
  own: Replica,
  message: PutMessage,
  state: SessionState | Tombstone | undefined,
  aheadMs: number,
): PutAnswer {
  const { table, self, members } = context;
  const ok = { type: 'ok', life: members.get(own.node)?.ownBond ?? '' } as const;
  if (own.fenced || !isOwner(own, self)) {
    // The message with which the epoch began, repeated to a member that only had to know of it.
    return !own.fenced && message.seq === own.seq ? ok : refusal(context, message, own);
  }
  // Repeated: it was taken, its answer was lost.
  if (message.seq === own.seq) return ok;
  if (message.seq < own.seq) return refusal(context, message, own);
  const next = state ?? (message.delta && message.seq === own.seq + 1 ? nextOf(own, message, aheadMs) : undefined);
  if (!next) return refusal(context, message, own);
  if (table.boundAgainst(own.key, next)) return { type: 'full' };
  // The table sweeps when it looks for room.
  if (table.get(own.key) !== own) return refusal(context, message, undefined);
  table.advance(own, message.seq, next);
  own.confirmedAt = context.timers.now();
  return ok;
}

function nextOf(own: Replica, { delta }: PutMessage, aheadMs: number): SessionState | undefined {
  return delta && !isTombstone(own.state) ? applyDelta(own.state, shiftDelta(delta, aheadMs)) : undefined;
}

/** Another epoch begins. */
function begin(
  context: ReplicationContext,
  sender: string,
  own: Replica | undefined,
  message: PutMessage,
  state: SessionState | Tombstone | undefined,
): PutAnswer {
  const { table, memory, members, self, events, promises } = context;
  const { key, counter, backup, seq, from, lineage = '', to = context.process } = message;
  // A change at an epoch that this member has no copy of: it had one, and gave it away or lost it. Taking it again would hide that.
  if (!state || from === undefined) return refusal(context, message, own);
  // On its way for long: what came after it was lost with the process that it was sent to.
  if (to !== context.process) return { type: 'another' };
  if (counter <= memory.floorOf(key) || promises?.forbids(key, { counter, node: sender })) {
    return refusal(context, message, own);
  }
  // Whatever became of a copy, it shows that the session was created already.
  if (own && seq === FIRST_SEQ) return refusal(context, message, own);
  if (own && (counter <= own.counter || !isAsTold(own, from, self))) return refusal(context, message, own);
  if (!own && from) return refusal(context, message, own);

  const isFollower = backup === self;
  if (table.boundAgainst(key, state)) {
    if (isFollower) return { type: 'full' };
    // A member that only has to know of the epoch can do so without a copy.
    const old = table.get(key);
    if (old) fenceReplica(context, old, sender);
    if (old) table.remove(old);
    memory.raiseFloor(key, counter);
    return { type: 'ok', life: members.get(sender)?.ownBond ?? '' };
  }
  if (own) {
    const wasSplit = own.isOwn && hasForked(lineage, own);
    fenceReplica(context, own, sender);
    if (wasSplit) events.yielded(key, sender);
  }
  const processes = members.get(sender)?.processes ?? 0;
  const replica = new Replica(key, counter, sender, backup, seq, state, false, processes, lineage);
  replica.confirmedAt = context.timers.now();
  table.install(replica);
  return { type: 'ok', life: members.get(sender)?.ownBond ?? '' };
}

/**
 * Of those that want to begin the next epoch one is first here, and the others are refused: they have made their state of a copy that is not
 * the last one any more. Whoever was told of no copy may take the place of one that nobody counts on.
 */
function isAsTold(own: Replica, from: Epoch | null, self: string): boolean {
  if (from) return sameEpoch(own, from);
  return !isTombstone(own.state) && (own.fenced || !isOwner(own, self));
}

function refusal({ memory }: ReplicationContext, { key }: PutMessage, own: Replica | undefined): PutAnswer {
  return { type: 'refused', counter: Math.max(memory.floorOf(key), own?.counter ?? 0) };
}
