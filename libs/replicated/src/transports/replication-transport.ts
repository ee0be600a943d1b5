import type { ReplicationMember } from '../members/replication-member.js';

/**
 * Carries texts between the members of a group. May lose, repeat and reorder them; what it delivers was sent by the member that it names.
 */
export interface ReplicationTransport {
  /** Largest message that it sends. Sessions that would not fit are refused; without it nothing is known. */
  readonly maxMessageBytes?: number;

  /** Begins to receive; called once. Rejects when it cannot (the port is taken). `answer` never rejects. */
  listen(answer: AnswerReplicationCall): Promise<void>;

  /**
   * Sends a text to a member and waits for its answer.
   * @throws ReplicationCallError after `timeoutMs`, when the member is not there or not who it should be, or when it refuses the caller
   */
  call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string>;

  /** Ends all connections; calls that are under way fail. */
  close(): Promise<void>;
}

/** @param from name of the member that sent the text, as far as the transport has proof of it */
export type AnswerReplicationCall = (from: string, text: string) => Promise<string>;

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
