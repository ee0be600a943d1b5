import type { ReplicationMember } from '../../members/replication-member.js';
import { SILENCE_MS } from './wire-limits.js';

/** A connection to a member, as the calling end sees it. */
export interface WireConnection {
  readonly isEnded: boolean;

  /**
   * Sends a text, and waits for the answer for as long as it takes. Many exchanges may be under way. `answer` rejects
   * with ConnectionEndedError or PeerRefusedError. It settles no more after `abandon`, which a caller calls when it has
   * waited long enough.
   */
  exchange(text: string): Exchange;

  destroy(): void;
}

export interface Exchange {
  readonly answer: Promise<string>;
  readonly abandon: () => void;
}

/**
 * Makes a connection. It gives up, with the signal's reason, when the signal is aborted.
 * @throws ReplicationCallError, ConnectionEndedError or PeerRefusedError
 */
export type Dial = (member: ReplicationMember, signal: AbortSignal) => Promise<WireConnection>;

/**
 * Measures for how long nothing has come on a connection although an answer is due. After a while a new connection is
 * better: the network may hold back an old one long after it has healed, or a damaged frame may keep it from ever going
 * on.
 */
export class Silence {
  /** When the first call was sent after which nothing has come. */
  private since: number | undefined;

  sent(): void {
    this.since ??= performance.now();
  }

  heard(): void {
    this.since = undefined;
  }

  /** Ask it when a caller has waited for an answer in vain. */
  get isTooLong(): boolean {
    return this.since !== undefined && performance.now() - this.since > SILENCE_MS;
  }
}

/** A connection ended without a reason: its other end may have died. */
export class ConnectionEndedError extends Error {
  override readonly name = 'ConnectionEndedError';
}
