/** A connection ended, and nobody said why: its other end may have died. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
}
