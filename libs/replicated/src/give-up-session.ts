import { NO_BACKUP, type Owners } from './epoch.js';
import type { ClaimRound } from './claim-round.js';
import type { NoSession } from './no-session.js';
import type { ReplicationContext } from './replication-context.js';
import { stateToWire } from './state-to-wire.js';

/** How long a session may be idle at least, for a process that has seen none yet. */
const USUAL_IDLE_MS = 30 * 60_000;

/**
 * Everybody has answered, and nobody has the state that the witness tells of, or one that goes on from it. Older copies must not be found by others who have no
 * witness: they are buried.
 */
export function giveUpSession(context: ReplicationContext, round: ClaimRound, witness: Owners): NoSession {
  const { self, clock, members, calls, memory, events, table } = context;
  const { key, copies } = round;
  memory.noteLost(key, witness);
  // Others have gone on from an older state, and their clients are not to lose theirs.
  if (copies.some(({ counter }) => counter >= witness.counter)) {
    events.session('lost', key);
    return { lost: true };
  }
  const state = stateToWire({ endedAt: clock.now(), renewed: false, callId: '', isFinal: true });
  for (const { holder } of copies) {
    const peer = members.get(holder);
    if (peer)
      void calls.ask(peer, { type: 'bury', key, epoch: witness, state, at: clock.now() }).catch(() => undefined);
  }
  const own = copies.some(({ holder }) => holder === self) ? table.get(key) : undefined;
  if (own) table.remove(own);
  if (copies.length === 0 && wasEnded(context, round, witness)) return {};
  events.session('lost', key);
  return { lost: true };
}

/**
 * An owner that has been running for longer than sessions may be idle has not lost the session: it has expired or ended there, and that was long ago,
 * because nothing is left of it.
 */
function wasEnded({ table }: ReplicationContext, { none }: ClaimRound, { node, backup }: Owners): boolean {
  const longMs = Math.max(table.longestIdleMs, USUAL_IDLE_MS);
  return [node, backup].some((name) => name !== NO_BACKUP && (none.get(name)?.upMs ?? 0) >= longMs);
}
