/**
 * The rules that must hold in every schedule whose kind promises them. Messages of failures begin with these names.
 *
 * A mark is a text that one write appends to a list of the session (see mark-lists.ts).
 */
export const invariants = {
  oneOwner:
    'At one epoch of a session a single member acknowledges changes, with a single backup. The locators of loads and ' +
    'saves show it: each names the member that answers, and no other member has answered with the same counter.',
  nothingLost:
    'An acknowledged change stays. The lists of a session never branch, and once all faults have ended every client ' +
    'reads every acknowledged mark.',
  witness:
    'A client never sees less than it saw before: each read contains all that the client has read and written, and ' +
    'its locator does not go back.',
  freshReads:
    'A read or save that starts after another one was answered, at any member, sees everything that the other one ' +
    'saw or wrote.',
  noResurrection: 'Once a session has ended, or was reported as missing, no member finds it again.',
  honestLoss: 'A session that no client has ended is found, is reported as lost, or the answer is 503.',
  wholeWrites: 'A read shows only marks that were written and not refused, each once, and a mark of two parts in both.',
  oneHolder: 'While a lock is held, which ends with its release or its time limit, no second holder gets it.',
  convergence: 'After all faults each existing session has one primary and one backup with the same state.',
  liveness: 'After all faults every operation succeeds within a bounded time.',
  failures: 'A store rejects only with SessionStoreError.',
} as const;

export type Invariant = keyof typeof invariants;
