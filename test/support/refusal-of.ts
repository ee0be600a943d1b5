import { SessionStateError } from '../../libs/session/src/errors/session-state.error.js';

/** The SessionStateError that `run` throws; fails when it throws nothing, or something else. */
export function refusalOf(run: () => unknown): SessionStateError {
  try {
    run();
  } catch (error) {
    if (error instanceof SessionStateError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
