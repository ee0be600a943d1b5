import type { RequestEnd } from '../timing/request-end.js';

/** How requests fail, in few words: the label `error.type` of metrics, as in the semantic conventions. */
export type RequestFailure = 'conflict' | 'unavailable' | 'client_error' | 'server_error' | 'client_gone';

/** @returns undefined for one that did not */
export function requestFailure({ status, isComplete }: RequestEnd): RequestFailure | undefined {
  if (!isComplete) return 'client_gone';
  if (status < 400) return undefined;
  if (status === 409) return 'conflict';
  if (status === 503) return 'unavailable';
  return status < 500 ? 'client_error' : 'server_error';
}
