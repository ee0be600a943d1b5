/** Options of the transports that come with the store. */
export interface ReplicationWireOptions {
  /** Name of this member, 1 to 32 letters and digits; its certificate, if there is one, has it as DNS name. */
  readonly nodeName: string;

  /** Where this member receives. Beyond loopback `tls` or `secret` is required. */
  readonly listen: { readonly host: string; readonly port: number };

  /**
   * Mutual TLS, PEM texts: both ends show a certificate that `ca` has signed and that has the member's name as DNS name. `cert` must be good for
   * servers and for clients (extended key usage, if it has any).
   */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };

  /**
   * At least 16 bytes, the same on every member: both ends prove that they know it, and every text is authenticated with keys made of it. Does
   * not encrypt: without `tls`, who can listen to the network reads the sessions.
   */
  readonly secret?: string;

  /** A message above this is not sent, and the connection that one arrives on is closed. In bytes; default 8 MiB. */
  readonly maxMessageBytes?: number;

  /** Told who was turned away and why, the same at most once a minute. Default: Nest's logger. */
  readonly onWarning?: (warning: string) => void;
}
