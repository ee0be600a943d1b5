import type { RequestEnd } from '../timing/request-end.js';

/** How requests end, in few words: a label of metrics. */
export type RequestOutcome = 'ok' | 'conflict' | 'unavailable' | 'client_error' | 'server_error' | 'client_gone';

export function requestOutcome({ status, isComplete }: RequestEnd): RequestOutcome {
  if (!isComplete) return 'client_gone';
  if (status < 400) return 'ok';
  if (status === 409) return 'conflict';
  if (status === 503) return 'unavailable';
  return status < 500 ? 'client_error' : 'server_error';
}
