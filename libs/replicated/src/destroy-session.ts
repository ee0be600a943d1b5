import type { SessionOperation } from './session-operation.js';

/** @param callId tells a destroy that begins again, because its first answer was lost, from somebody else's */
export function destroySession(ifStamp: string | undefined, callId: string): SessionOperation<boolean> {
  return {
    onSession: (state, now) => {
      if (ifStamp !== undefined && state.stamp !== ifStamp) return { answer: () => false };
      // Only a renewal asks for a stamp: the session goes on under another key.
      return { change: { endedAt: now, renewed: ifStamp !== undefined, callId, isFinal: false }, answer: () => true };
    },
    onNone: ({ tombstone }) => tombstone?.callId === callId,
  };
}
