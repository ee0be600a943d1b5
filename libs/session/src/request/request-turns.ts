import type { RequestState } from './request-state.js';

/** Commits and invalidations of one request run one after the other. */
export const requestTurns = {
  /** Runs `step` when nothing else of the request is under way. */
  take<T>(request: RequestState, step: () => Promise<T>): Promise<T> {
    const turn = request.committing ? request.committing.then(step) : step();
    const clear = (): void => {
      if (request.committing === settled) request.committing = undefined;
    };
    // The first to hear of it: who waits for the turn finds nothing under way.
    const settled = turn.then(clear, clear);
    request.committing = settled;
    return turn;
  },

  /** Runs `step` at once, or when what is under way has settled. */
  after(request: RequestState, step: () => void): void {
    if (request.committing) void request.committing.then(step);
    else step();
  },
};
