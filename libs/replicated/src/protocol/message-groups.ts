import type { Peer } from '../members/peer.js';
import type { ReplicationTimers } from '../options/replication-timers.js';
import type { ReplicationTransport } from '../transports/replication-transport.js';
import { formatOf, MESSAGE_FORMAT } from './message-format.js';
import type { ReplicationMessage } from './replication-message.js';

/**
 * The messages of which many are due at a time, one for each session. Their answers are short, so a group of them is
 * answered within the largest message of any transport. A claim, whose answer is a whole session, travels alone. So
 * does an end, and at once: a logout is answered before all members know of it, and this one may crash in that moment.
 */
const GROUPED: ReadonlySet<ReplicationMessage['type']> = new Set(['put', 'drop']);

/** The most messages in a group. A member refuses a group with more. */
const MOST_MESSAGES = 256;

/** A group ends before it gets larger than this, unless one message alone is. Every transport carries that much. */
const MOST_BYTES = 32 * 1024;

interface Group {
  readonly texts: string[];
  readonly waiting: Waiting[];
  bytes: number;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends messages to other members. Those to one member that come up in one turn of the event loop travel together, as
 * one call of the transport: on a busy server that is one frame, one MAC and one answer for the writes of a dozen
 * requests, and a quarter of the processor time of a write.
 *
 *     { v, type: 'group', messages: [message, ...] }  answered by  { v, type: 'group', answers: [answer, ...] }
 *
 * A group is no unit for anything but the transport. Each of its messages is handled as if it had come alone, in their
 * order, and has an answer of its own. One message is no group: it travels as it is.
 */
export class MessageGroups {
  private readonly waiting = new Map<Peer, Group>();

  constructor(
    private readonly transport: () => ReplicationTransport,
    private readonly timers: ReplicationTimers,
    private readonly timeoutMs: number,
  ) {}

  /**
   * @param text the message as JSON
   * @returns the answer, parsed
   * @throws ReplicationCallError, and whatever a transport or its answer leads to
   */
  send(peer: Peer, type: ReplicationMessage['type'], text: string): Promise<unknown> {
    if (!GROUPED.has(type)) return this.call(peer, text);
    return new Promise((resolve, reject) => this.add(peer, text, { resolve, reject }));
  }

  private add(peer: Peer, text: string, waiting: Waiting): void {
    const bytes = Buffer.byteLength(text);
    const last = this.waiting.get(peer);
    if (last && (last.texts.length >= MOST_MESSAGES || last.bytes + bytes > this.mostBytes)) this.sendGroup(peer, last);
    let group = this.waiting.get(peer);
    if (!group) {
      if (this.waiting.size === 0) this.timers.afterTurn(() => this.sendAll());
      this.waiting.set(peer, (group = { texts: [], waiting: [], bytes: 0 }));
    }
    group.texts.push(text);
    group.waiting.push(waiting);
    group.bytes += bytes;
  }

  /** A transport of the application's own may carry less. */
  private get mostBytes(): number {
    return Math.min(MOST_BYTES, (this.transport().maxMessageBytes ?? Infinity) / 2);
  }

  private sendAll(): void {
    for (const [peer, group] of this.waiting) this.sendGroup(peer, group);
  }

  private sendGroup(peer: Peer, { texts, waiting }: Group): void {
    this.waiting.delete(peer);
    const isGroup = texts.length > 1;
    const text = isGroup ? `{"v":${MESSAGE_FORMAT},"type":"group","messages":[${texts.join(',')}]}` : texts.join('');
    this.call(peer, text).then(
      (answer) => {
        const answers = isGroup ? answersOf(answer, waiting.length) : [answer];
        for (const [i, { resolve }] of waiting.entries()) resolve(answers[i]);
      },
      (error: unknown) => {
        for (const { reject } of waiting) reject(error);
      },
    );
  }

  private async call(peer: Peer, text: string): Promise<unknown> {
    return JSON.parse(await this.transport().call(peer.member, text, this.timeoutMs));
  }
}

/**
 * The answers to the messages of a group. A member that cannot read it says so once, for all of them. No other answer
 * may count for a message that it was not given to.
 */
function answersOf(answer: unknown, count: number): readonly unknown[] {
  const { type, answers } = Object(answer) as { readonly type?: unknown; readonly answers?: unknown };
  const format = formatOf(answer) ?? 0;
  if (type === 'group' && format === MESSAGE_FORMAT && Array.isArray(answers) && answers.length === count)
    return answers as unknown[];
  const isForAll = type === 'newer' || type === 'bad' || format > MESSAGE_FORMAT;
  return Array.from({ length: count }, () => (isForAll ? answer : undefined));
}

/**
 * Answers a text that another member has sent.
 *
 * @param answerOne gives the answer to one message; never throws
 */
export function answerText(text: string, answerOne: (message: unknown) => string): string {
  const parsed = parse(text);
  const { type, messages } = Object(parsed) as { readonly type?: unknown; readonly messages?: unknown };
  const isGroup = type === 'group' && formatOf(parsed) === MESSAGE_FORMAT && Array.isArray(messages);
  if (!isGroup || messages.length > MOST_MESSAGES) return answerOne(parsed);
  return `{"v":${MESSAGE_FORMAT},"type":"group","answers":[${messages.map(answerOne).join(',')}]}`;
}

/** @returns undefined when the text is no JSON */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
