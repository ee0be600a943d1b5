import { sessionBytes, type SessionKey } from 'nestjs-session-beans/store-kit';
import { hasExpired, type SessionState } from '../copy/session-state.js';
import { livingToWire } from '../copy/wire-state.js';
import { isPrimaryOf, hasLease } from './lease.js';
import { MESSAGE_PER_STATE } from './limits.js';
import type { ReplicationContext } from './replication-context.js';
import type { ListAnswer, ListedState, ListMessage, ResolveAnswer, ResolveMessage } from './principal-messages.js';

/** One answer has no more than this, or than half of the transport's largest message; one session always fits. */
const MOST_BYTES = 1024 * 1024;

/** The bytes of a session beside its parts, and of a key, at most. */
const SESSION_BYTES = 2_048;
const KEY_BYTES = 128;

export function handleList(context: ReplicationContext, { principal, parts, after }: ListMessage): ListAnswer {
  const { table, clock, eras } = context;
  const now = clock.now();
  const sessions: ListedState[] = [];
  const unsure: SessionKey[] = [];
  const keys = [...table.keysOf(principal)].filter((key) => key > after).toSorted();
  let bytes = 0;
  for (const [i, key] of keys.entries()) {
    const state = stateOf(context, key, principal);
    const replica = table.get(key);
    const isOver = replica && (replica.isExpired(now) || eras.hasEnded(replica.state));
    if (state === 'unsure' && !isOver) unsure.push(key);
    if (typeof state === 'object') sessions.push(listed(key, state, parts));
    bytes += bytesOf(sessions.at(-1), key);
    if (bytes >= mostBytes(context) && i < keys.length - 1)
      return { type: 'listed', sessions, unsure, next: key, at: now };
  }
  return { type: 'listed', sessions, unsure, at: now };
}

export function handleResolve(context: ReplicationContext, { principal, parts, keys }: ResolveMessage): ResolveAnswer {
  const sessions: ListedState[] = [];
  const none: SessionKey[] = [];
  let bytes = 0;
  for (const key of keys) {
    const state = stateOf(context, key, principal);
    if (state === 'none') none.push(key);
    if (typeof state === 'object') sessions.push(listed(key, state, parts));
    bytes += bytesOf(sessions.at(-1), key);
    // The others stay without an answer, as sessions do that nobody serves.
    if (bytes >= mostBytes(context)) break;
  }
  return { type: 'resolved', sessions, none, at: context.clock.now() };
}

/** The session, if this member serves it and the principal is logged in to it. `none` where it is known to be not. */
function stateOf(context: ReplicationContext, key: SessionKey, principal: string): SessionState | 'none' | 'unsure' {
  const { table, clock, eras } = context;
  if (table.endOf(key)) return 'none';
  const replica = table.get(key);
  if (!replica || !isPrimaryOf(replica, []) || !hasLease(context, replica)) return 'unsure';
  const state = replica.state as SessionState;
  if (eras.hasEnded(state)) return 'none';
  return replica.principal === principal && !hasExpired(state, clock.now()) ? state : 'none';
}

function listed(key: SessionKey, state: SessionState, wanted: readonly string[]): ListedState {
  const { parts } = state;
  const kept = parts.filter((_, at) => wanted.includes(parts[at - (at % 3)] as string));
  return [key, livingToWire({ ...state, parts: kept })];
}

function bytesOf(last: ListedState | undefined, key: SessionKey): number {
  return last?.[0] === key ? MESSAGE_PER_STATE * sessionBytes(last[1].p) + SESSION_BYTES : KEY_BYTES;
}

function mostBytes({ maxMessageBytes }: ReplicationContext): number {
  return Math.min(MOST_BYTES, maxMessageBytes / 2);
}
