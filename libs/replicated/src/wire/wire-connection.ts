import type { ReplicationMember } from '../replication-member.js';

/** A connection to a member, as the calling end sees it. */
export interface WireConnection {
  readonly isEnded: boolean;

  /**
   * Sends a text and waits for the answer, for ever if need be. Many at a time.
   * `answer` rejects with ConnectionEndedError or PeerRefusedError, and never after `abandon`, which the caller uses when it waited long enough.
   */
  exchange(text: string): Exchange;

  destroy(): void;
}

export interface Exchange {
  readonly answer: Promise<string>;
  readonly abandon: () => void;
}

/**
 * Makes a connection, and gives up when the signal is aborted, with its reason.
 * @throws ReplicationCallError, ConnectionEndedError or PeerRefusedError
 */
export type Dial = (member: ReplicationMember, signal: AbortSignal) => Promise<WireConnection>;
