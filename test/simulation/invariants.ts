/** What has to hold in every schedule of a kind that promises it; the names stand in front of failures. */
export const invariants = {
  oneOwner:
    'At one epoch of a session one member acknowledges changes, with one backup. Seen in the locators that saves and loads return: the member that answers names itself, and nobody else has answered with that counter.',
  nothingLost:
    'What was acknowledged stays: the lists of a session never fork, and after all faults everyone reads every acknowledged mark.',
  witness:
    'No client is shown less than it was shown before: every read has what it has read and written, and its locator does not go back.',
  freshReads: 'A read or save that starts after another one was answered, anywhere, sees what that one saw or wrote.',
  noResurrection: 'Once a session was ended, or was not there any more, nobody finds it again.',
  honestLoss: 'A session that nobody ended is answered, is reported as lost, or the answer is 503.',
  wholeWrites: 'A read shows only marks that were written and not refused, each once, and those of two parts in both.',
  oneHolder: 'A lock that was given, is not given back and has not run out is not given to another one.',
  convergence: 'After all faults each session that is there has one primary and one backup with the same state.',
  liveness: 'After all faults every operation succeeds within a bounded time.',
  failures: 'A store rejects with SessionStoreError only.',
} as const;

export type Invariant = keyof typeof invariants;
