/** One end of a connection does not accept the other: wrong certificate, wrong secret, a text that is not authentic. */
export class PeerRefusedError extends Error {
  override readonly name = 'PeerRefusedError';
}
