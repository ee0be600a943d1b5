/** A member could not be asked. Stays inside the store, which knows what that means for a session. */
export class ReplicationCallError extends Error {
  override readonly name = 'ReplicationCallError';

  /**
   * `refused`: nobody listens there, so its process is gone, and with it all it had. `silent`: no answer in time, it may be alive. `rejected`: it
   * is there and does not accept the caller, or is not who it should be.
   */
  constructor(
    readonly reason: 'refused' | 'silent' | 'rejected',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
