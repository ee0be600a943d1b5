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
  noResurrection:
    'Once a session has ended, or was reported as missing, no member finds it again. That holds for an end in one ' +
    'half of a split network, too, when the network is whole again.',
  honestLoss: 'A session that no client has ended is found, is reported as lost, or the answer is 503.',
  wholeWrites:
    'A read shows only marks that were written and not refused, each once, and a mark of two parts in both. A save ' +
    'that failed with `applied: false` was refused.',
  ids:
    'A session opens with an id that it has got or is about to get, and with no other text. What it says of its ' +
    'identity, and the part that is written with each new id, belong to that id.',
  formerIds:
    'Once a new id was acknowledged, the former one opens nothing. Where the halves of a split network may both go ' +
    'on, that holds when it is whole again.',
  noTrace: 'A caller without a valid id leaves no trace: copies and owners of the session stay as they are.',
  oneHolder: 'While a lock is held, which ends with its release or its time limit, no second holder gets it.',
  convergence: 'After all faults each existing session has one primary and one backup with the same state.',
  liveness: 'After all faults every operation succeeds within a bounded time.',
  failures: 'A store rejects only with SessionStoreError.',
} as const;

export type Invariant = keyof typeof invariants;
