import type { SessionKey } from 'nestjs-session-beans/store-kit';
import type { Replica } from '../copy/replica.js';
import { tombstoneToWire } from '../copy/wire-state.js';
import type { ReplicationContext } from './replication-context.js';
import type { CopyFacts, EndedAnswer, NoCopyAnswer } from './replication-message.js';

/** Stands for infinity, which JSON cannot say. */
const LONG_AGO_MS = 1e12;

/** The answer to a member that asks for a copy which this member does not have. */
export function describeAbsence(context: ReplicationContext, key: SessionKey): NoCopyAnswer | EndedAnswer {
  const { table, memory, timers, clock, process, startedAt } = context;
  const tombstone = table.endOf(key);
  if (tombstone) return { type: 'ended', process, tombstone: tombstoneToWire(tombstone), at: clock.now() };
  const moved = memory.movedTo(key);
  const upMs = timers.now() - startedAt;
  const attempted = memory.attemptedAt(key);
  return { type: 'none', process, upMs, ...(moved && { moved }), attempted, floor: memory.floorOf(key) };
}

/** The facts about a copy, apart from its place and state, for a member that asks for it. */
export function describeCopy({ members, timers, memory, process }: ReplicationContext, replica: Replica): CopyFacts {
  const primaryProcess = members.processOfPrimary(replica);
  return {
    process,
    fenced: replica.fenced,
    ...(primaryProcess !== undefined && { primaryProcess }),
    ageMs: Math.min(timers.now() - replica.confirmedAt, LONG_AGO_MS),
    heardAgoMs: Math.min(timers.now() - members.heardAt(replica.node), LONG_AGO_MS),
    floor: memory.floorOf(replica.key),
  };
}
