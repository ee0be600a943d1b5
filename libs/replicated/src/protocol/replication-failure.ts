/**
 * Says why an operation cannot be done now. The methods of the store turn it into a `SessionStoreError` (503), because
 * they know which operation it was.
 */
export class ReplicationFailure extends Error {
  override readonly name = 'ReplicationFailure';

  /** @param mayBeApplied whether a member may have taken the change of the operation all the same */
  constructor(
    message: string,
    readonly mayBeApplied = false,
  ) {
    super(message);
  }
}

/** Whether the change of an operation may have been applied so far. */
export interface ChangeAttempt {
  /** A member may have taken it, and nothing that was found out later says that it has not. */
  mayBeApplied: boolean;
}
