/**
 * Says why an operation cannot be done now. The methods of the store turn it into a `SessionStoreError` (503), because
 * they know which operation it was.
 */
export class ReplicationFailure extends Error {
  override readonly name = 'ReplicationFailure';
}
