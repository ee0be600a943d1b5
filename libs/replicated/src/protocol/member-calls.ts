import type { Peer } from '../members/peer.js';
import type { ReplicationEvents } from '../options/replication-events.js';
import type { ReplicationTimers } from '../options/replication-timers.js';
import { ReplicationCallError, type ReplicationTransport } from '../transports/replication-transport.js';
import { encodeMessage, formatOf, MESSAGE_FORMAT, type NewerFormatAnswer } from './message-format.js';
import { MessageGroups } from './message-groups.js';
import { isAnswerTo } from './message-shapes.js';
import type { ListAnswer, ReserveAnswer, ResolveAnswer } from './principal-messages.js';
import type {
  CheckAnswer,
  ClaimAnswer,
  DoneAnswer,
  ErasAnswer,
  GrantAnswer,
  PeekAnswer,
  PongAnswer,
  PromisesAnswer,
  PutAnswer,
  ReplicationMessage,
} from './replication-message.js';

/** By the type of the message. */
export interface Answers {
  readonly put: PutAnswer;
  readonly peek: PeekAnswer;
  readonly claim: ClaimAnswer;
  readonly grant: GrantAnswer;
  readonly promises: PromisesAnswer;
  readonly drop: DoneAnswer;
  readonly news: DoneAnswer;
  readonly end: DoneAnswer;
  readonly refuse: DoneAnswer;
  readonly supersede: DoneAnswer;
  readonly ping: PongAnswer;
  readonly endEras: ErasAnswer;
  readonly check: CheckAnswer;
  readonly leaving: DoneAnswer;
  readonly list: ListAnswer;
  readonly resolve: ResolveAnswer;
  readonly reserve: ReserveAnswer;
  readonly release: DoneAnswer;
}

/** A call that fails this much later than its timeout shows that this process stood still, in ms. */
const LATE_MS = 50;

/** Calls other members, and learns from the outcome whether they are there. */
export class MemberCalls {
  private readonly groups: MessageGroups;

  constructor(
    transport: () => ReplicationTransport,
    private readonly timers: ReplicationTimers,
    private readonly timeoutMs: number,
    private readonly events: ReplicationEvents,
  ) {
    this.groups = new MessageGroups(transport, timers, timeoutMs);
  }

  /**
   * @param persistently calls the member even if it was silent a moment ago
   * @param onRepeat called before the message is sent again: it may have arrived, whatever the answer to the second is
   * @throws ReplicationCallError
   */
  async ask<T extends ReplicationMessage>(
    peer: Peer,
    message: T,
    persistently = false,
    onRepeat: () => void = () => undefined,
  ): Promise<Answers[T['type']]> {
    if (!persistently && peer.isSuspected(this.timers.now())) {
      throw new ReplicationCallError('silent', `member '${peer.name}' did not answer a moment ago`);
    }
    const type: T['type'] = message.type;
    const text = encodeMessage(message);
    const sentAt = this.timers.now();
    try {
      return await this.send(peer, type, text);
    } catch (error) {
      // This process may have stood still itself, while the answer waited to be read. Every message may be repeated.
      const wasFrozen = this.timers.now() - sentAt > this.timeoutMs + LATE_MS;
      if (!(wasFrozen && (error as ReplicationCallError).reason === 'silent')) throw error;
      onRepeat();
      return this.send(peer, type, text);
    }
  }

  private async send<T extends ReplicationMessage['type']>(peer: Peer, type: T, text: string): Promise<Answers[T]> {
    try {
      const answer = await this.groups.send(peer, type, text);
      this.refuseUnreadable(peer, type, answer);
      peer.noteAnswer(this.timers.now());
      return answer as Answers[T];
    } catch (error) {
      const failure =
        error instanceof ReplicationCallError
          ? error
          : new ReplicationCallError('rejected', `the call to member '${peer.name}' failed`, { cause: error });
      if (failure.reason !== 'refused') peer.suspect(this.timers.now());
      throw failure;
    }
  }

  /** @throws ReplicationCallError when the answer is none that this release can read */
  private refuseUnreadable(peer: Peer, asked: ReplicationMessage['type'], answer: unknown): void {
    const format = formatOf(answer);
    const { type } = (answer ?? {}) as { readonly type?: unknown };
    const isNewer = format !== undefined && format > MESSAGE_FORMAT;
    const wasOfOtherRelease = peer.isOfOtherRelease;
    peer.isOfOtherRelease = isNewer || type === 'newer';
    if (peer.isOfOtherRelease && !wasOfOtherRelease) this.events.member('otherRelease', peer.name);
    if (isNewer)
      throw new ReplicationCallError(
        'rejected',
        `the answer of member '${peer.name}' was written by a newer release: it has format ${format}, and this one ` +
          `reads up to ${MESSAGE_FORMAT}`,
      );
    if (type === 'newer')
      throw new ReplicationCallError(
        'rejected',
        `member '${peer.name}' runs an older release: it reads messages up to format ` +
          `${(answer as NewerFormatAnswer).format}, and this one writes ${MESSAGE_FORMAT}`,
      );
    if (type === 'bad')
      throw new ReplicationCallError('rejected', `member '${peer.name}' does not understand what it is asked`);
    if (format === undefined || !isAnswerTo(asked, answer))
      throw new ReplicationCallError('rejected', `the answer of member '${peer.name}' to '${asked}' is none`);
  }
}
