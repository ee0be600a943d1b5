import type { LoadOptions, LoadResult } from '../session-store.js';
import { recordOfState } from './record-of-state.js';
import type { OperationOutcome, SessionOperation } from './session-operation.js';
import type { SessionState } from './session-state.js';
import { sessionExpiry } from '../session-expiry.js';
import { timesOfState } from './times-of-state.js';

/** A load as an operation; only joining and moving the end of life change anything. */
export function loadSession({ known, touchAfterMs }: LoadOptions): SessionOperation<LoadResult> {
  return {
    onSession: (state, now): OperationOutcome<LoadResult> => {
      const isDue = touchAfterMs !== undefined && (!state.joined || now - state.lastAccessedAt >= touchAfterMs);
      if (!isDue) return { answer: () => answerOf(state, state, known) };
      const after = { createdAt: state.createdAt, lastAccessedAt: now, joined: true };
      return {
        change: { lastAccessedAt: now, joined: true },
        answer: () => answerOf(state, after, known),
      };
    },
    onNone: ({ tombstone, lost }) => ({
      outcome: 'none',
      ...(tombstone?.renewed && { renewed: true as const }),
      ...(lost && { lost }),
    }),
  };
}

/** [L5] The times from before, except the end of life. */
function answerOf(
  state: SessionState,
  after: { readonly createdAt: number; readonly lastAccessedAt: number; readonly joined: boolean },
  known: string | undefined,
): LoadResult {
  const expiresAt = sessionExpiry(after, state.lifetime);
  if (state.stamp === known) return { outcome: 'unchanged', times: { ...timesOfState(state), expiresAt } };
  return { outcome: 'found', record: { ...recordOfState(state), expiresAt } };
}
