import type { ReplicationMember } from '../members/replication-member.js';

/**
 * Carries texts between the members of a group. It may lose, repeat and reorder them. A text that it delivers was sent
 * by the member that it names.
 *
 * Implement it to let members talk over a wire of your own; hand it in as option `transport`.
 */
export interface ReplicationTransport {
  /**
   * The largest message that it sends, in bytes. Sessions that would not fit are refused. Without it nothing is
   * checked.
   */
  readonly maxMessageBytes?: number;

  /**
   * Begins to receive. It is called once, and rejects when it cannot listen (the port is taken). `answer` never
   * rejects.
   */
  listen(answer: AnswerReplicationCall): Promise<void>;

  /**
   * Sends a text to a member and waits for its answer.
   * @throws ReplicationCallError after `timeoutMs`, when the member is not there or is another one, or when it refuses
   * the caller
   */
  call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string>;

  /** Ends all connections. Calls that are under way fail. */
  close(): Promise<void>;
}

/**
 * Gives the answer to a text.
 * @param from name of the member that sent it, as far as the transport has proof of that
 */
export type AnswerReplicationCall = (from: string, text: string) => Promise<string>;

/**
 * A member could not be asked. The store handles it: only the store knows what it means for a session.
 *
 * @example
 * // In the `call` of a transport:
 * socket.once('timeout', () => reject(new ReplicationCallError('silent', `${member.name} did not answer`)));
 */
export class ReplicationCallError extends Error {
  override readonly name = 'ReplicationCallError';

  /**
   * `refused`: nobody listens there, so its process is gone, and with it all it had. `silent`: no answer came in time;
   * it may be alive. `rejected`: it is there and does not accept the caller, or it is another member.
   */
  constructor(
    readonly reason: 'refused' | 'silent' | 'rejected',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }

  /** Whether the member may have got the message, and have done what it says. */
  get mayHaveArrived(): boolean {
    return this.reason !== 'refused';
  }
}
