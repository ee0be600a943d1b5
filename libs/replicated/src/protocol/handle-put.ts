import { type Epoch, follows, hasForked, isOwner, isVoid, sameEpoch } from '../copy/epoch.js';
import { FIRST_SEQ, Replica } from '../copy/replica.js';
import type { SessionState } from '../copy/session-state.js';
import { applyDelta, shiftDelta } from '../copy/state-delta.js';
import { generationOf, isTombstone, type Tombstone } from '../copy/tombstone.js';
import { stateFromWire, tombstoneToWire } from '../copy/wire-state.js';
import { fenceReplica } from './fence-replica.js';
import type { ReplicationContext } from './replication-context.js';
import type { PutAnswer, PutMessage } from './replication-message.js';

/**
 * The sender is the primary of an epoch. It wants this member to have the next state of the session, or to know that
 * the epoch has begun. The answer `ok` is a promise: the state is here, and nobody is told of an older one any more.
 */
export function handlePut(context: ReplicationContext, sender: string, message: PutMessage): PutAnswer {
  const { table, members, clock, timers, process } = context;
  const own = table.get(message.key);
  // An ended process may not put: nothing that it puts now was acknowledged.
  if (!members.get(sender)?.noteMessage(message.process, timers.now())) return refusal(context, message, own);
  const aheadMs = clock.now() - message.at;
  const state = message.state && stateFromWire(message.state, aheadMs);

  // [M4] An ended session stays ended.
  const end = table.endOf(message.key);
  if (end) return { type: 'ended', process, tombstone: tombstoneToWire(end), at: clock.now() };
  if (own && sameEpoch(own, { counter: message.counter, node: sender })) {
    return follow(context, own, message, state, aheadMs);
  }
  return begin(context, sender, own, message, state);
}

/** The next state at the epoch that this copy belongs to. */
function follow(
  context: ReplicationContext,
  own: Replica,
  message: PutMessage,
  state: SessionState | Tombstone | undefined,
  aheadMs: number,
): PutAnswer {
  const { table, self, timers } = context;
  if (own.fenced || !isOwner(own, self)) {
    // The first message of the epoch may be repeated to a member that only had to know of it.
    return !own.fenced && message.seq === own.seq ? accepted(context, own.node) : refusal(context, message, own);
  }
  // The same message again, because its answer was lost.
  if (message.seq === own.seq) return accepted(context, own.node);
  if (message.seq < own.seq) return refusal(context, message, own);
  const next = state ?? (message.seq === own.seq + 1 ? changedBy(own, message, aheadMs) : undefined);
  if (!next) return refusal(context, message, own);
  // [I8] A login is refused no room, nor is a new id that adds nothing.
  if (table.boundAgainst(own.key, next) && message.delta?.renewal?.principal === undefined) return { type: 'full' };
  // The table sweeps when it looks for room, and may have removed this copy.
  if (table.get(own.key) !== own) return refusal(context, message, undefined);
  table.advance(own, message.seq, next);
  own.confirmedAt = timers.now();
  return accepted(context, own.node);
}

function changedBy(own: Replica, { delta }: PutMessage, aheadMs: number): SessionState | undefined {
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
  const { table, memory, members, self, events, promises, timers, clock, refusedCreations } = context;
  const { key, counter, backup, seq, from, lineage = '', receiver = context.process } = message;
  // A change at an epoch that this member has no copy of: it gave its copy away, or lost it. A new copy would hide
  // that.
  if (!state || from === undefined) return refusal(context, message, own);
  // The message was on its way for long. The process that it was sent to may have lost what came after it.
  if (receiver !== context.process) return { type: 'another' };
  if (counter <= memory.floorOf(key) || promises?.forbids(key, { counter, node: sender })) {
    return refusal(context, message, own);
  }
  // Any copy shows that the session was created before.
  const isCreation = seq === FIRST_SEQ;
  if (isCreation && (own || refusedCreations.has(key, clock.now()))) return refusal(context, message, own);
  if (isOutranked(context, sender, message, own, state)) return refusal(context, message, own);
  if (own && counter <= own.counter) return refusal(context, message, own);
  if (!isAsTold(own, from, self, { counter, node: sender, lineage })) return refusal(context, message, own);

  const isFollower = backup === self;
  if (table.boundAgainst(key, state)) {
    if (isFollower) return { type: 'full' };
    // A member that only has to know of the epoch can do so without a copy.
    const old = table.get(key);
    if (old) fenceReplica(context, old, sender);
    if (old) table.remove(old);
    memory.raiseFloor(key, counter);
    return accepted(context, sender);
  }
  if (own) {
    const wasSplit = own.isOwn && hasForked(lineage, own);
    // The new epoch may never begin, and nobody else may know that the one from which it goes on has begun.
    if (own.isOwn && !wasSplit) memory.noteMove(key, own);
    fenceReplica(context, own, sender);
    if (wasSplit) events.yielded(key, sender);
  }
  const replica = new Replica({
    key,
    counter,
    node: sender,
    backup,
    seq,
    state,
    isOwn: false,
    partnerGeneration: members.get(sender)?.processes ?? 0,
    lineage,
  });
  replica.confirmedAt = timers.now();
  table.install(replica);
  return accepted(context, sender);
}

/** [M5] This member knows of a renewal, and the new epoch comes from a branch that does not have it. */
function isOutranked(
  { memory }: ReplicationContext,
  sender: string,
  { key, counter, lineage = '' }: PutMessage,
  own: Replica | undefined,
  state: SessionState | Tombstone,
): boolean {
  const generation = generationOf(state);
  if (generation < memory.generationOf(key)) return true;
  return (
    own !== undefined && generation < own.generation && !isVoid(own, { counter, node: sender, generation, lineage })
  );
}

/**
 * Whether the sender made its state from the copy that is still here. Of the members that want to begin the next epoch
 * one is first here; the others are refused, because their state was made from a copy that is not the last one any
 * more.
 *
 * A sender that was told of no copy may replace one that nobody counts on, if it goes on from the epoch of that. A copy
 * of another line may be the last one of a change that was acknowledged: it may have been fenced by a claim of the
 * sender that arrived late, and of whose answer the sender knows nothing.
 *
 * @param epoch the one that is to begin
 */
function isAsTold(
  own: Replica | undefined,
  from: Epoch | null,
  self: string,
  epoch: Epoch & { readonly lineage: string },
): boolean {
  if (!own) return from === null;
  if (from) return sameEpoch(own, from);
  return !isTombstone(own.state) && (own.fenced || !isOwner(own, self)) && follows(epoch, own);
}

function accepted({ members }: ReplicationContext, sender: string): PutAnswer {
  return { type: 'ok', incarnation: members.get(sender)?.ownIncarnation ?? '' };
}

function refusal({ memory }: ReplicationContext, { key }: PutMessage, own: Replica | undefined): PutAnswer {
  return { type: 'refused', counter: Math.max(memory.floorOf(key), own?.counter ?? 0) };
}
