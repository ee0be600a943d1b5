/** Why an operation cannot be done now. Becomes a SessionStoreError (503) at the store's methods, which know what was asked. */
export class ReplicationFailure extends Error {
  override readonly name = 'ReplicationFailure';
}
