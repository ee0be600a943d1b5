import type { ReplicationMember } from '../../members/replication-member.js';
import { SILENCE_MS } from './wire-limits.js';

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

/**
 * How long nothing has been heard on a connection although an answer is due. After a while it is better to make a new one: the network may hold an
 * old one back long after it has healed, or what is on it was damaged so that it never goes on.
 */
export class Silence {
  /** When the first call was sent that nothing has been heard after. */
  private since: number | undefined;

  sent(): void {
    this.since ??= performance.now();
  }

  heard(): void {
    this.since = undefined;
  }

  /** Ask it when somebody has waited for an answer in vain. */
  get isTooLong(): boolean {
    return this.since !== undefined && performance.now() - this.since > SILENCE_MS;
  }
}

/** A connection ended, and nobody said why: its other end may have died. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
}
