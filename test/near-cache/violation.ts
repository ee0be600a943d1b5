import type { RequestEvent } from './history.js';

export type Rule =
  | 'lost update'
  | 'made up'
  | 'own write not read'
  | 'went back'
  | 'too stale'
  | 'torn'
  | 'served after its end'
  | 'lost session'
  | 'wrong entry';

/** A broken promise that a history shows. */
export interface Violation {
  readonly rule: Rule;
  readonly session: string;
  readonly text: string;
  readonly event?: RequestEvent;
}
