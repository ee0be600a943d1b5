import {
  type LoadOptions,
  type LoadResult,
  sessionExpiry,
  type SessionTimes,
  unpackParts,
} from 'nestjs-session-beans/store-kit';
import type { OperationOutcome, SessionOperation } from './session-operation.js';
import type { SessionState } from './session-state.js';
import { timesOfState } from './times-of-state.js';

/** A load as an operation; only joining and moving the end of life change anything. */
export function loadSession({ known, touchAfterMs }: LoadOptions): SessionOperation<LoadResult> {
  return {
    onSession: (state, now): OperationOutcome<LoadResult> => {
      const isDue = touchAfterMs !== undefined && (!state.joined || now - state.lastAccessedAt >= touchAfterMs);
      if (!isDue) return { answer: () => answerOf(state, known, timesOfState(state)) };
      const after = { createdAt: state.createdAt, lastAccessedAt: now, joined: true };
      return {
        change: { lastAccessedAt: now, joined: true },
        answer: () =>
          answerOf(state, known, { ...timesOfState(state), expiresAt: sessionExpiry(after, state.lifetime) }),
      };
    },
    onNone: ({ tombstone, lost }) => ({
      outcome: 'none',
      ...(tombstone?.renewed && { renewed: true as const }),
      ...(lost && { lost }),
    }),
  };
}

/** @param times [L5] those from before, except the end of life */
function answerOf(state: SessionState, known: string | undefined, times: SessionTimes): LoadResult {
  if (state.stamp === known) return { outcome: 'unchanged', times };
  const { stamp, lifetime, parts } = state;
  return { outcome: 'found', record: { ...times, stamp, lifetime, parts: unpackParts(parts) } };
}
