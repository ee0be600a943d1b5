import { encodeMessage } from '../../libs/replicated/src/protocol/message-format.js';
import type {
  AnswerReplicationCall,
  ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';

/** A message or an answer of the replication protocol. */
export type Wire = Readonly<Record<string, unknown>> & { readonly type: string };

export interface TransportTaps {
  /** Answers a message of another member. `handle` gives the correct answer. */
  readonly answer?: (message: Wire, handle: (message: Wire) => Promise<Wire>) => Promise<Wire>;

  /** Sends a message to another member. `send` sends it correctly. */
  readonly call?: (message: Wire, member: string, send: () => Promise<Wire>) => Promise<Wire>;

  /** Changes the answers to a group of messages, at the member that gives them. */
  readonly answerGroup?: (
    messages: readonly Wire[],
    handle: (messages: readonly Wire[]) => Promise<Wire[]>,
  ) => Promise<Wire[]>;

  /** Changes the answers that a group of messages has got, at the member that has sent it. */
  readonly callGroup?: (messages: readonly Wire[], send: () => Promise<Wire[]>) => Promise<Wire[]>;
}

type Answer = (message: Wire) => Promise<Wire>;
type AnswerGroup = (messages: readonly Wire[]) => Promise<Wire[]>;

/** Lets a planted bug change the messages between members. Without a tap for groups it sees each of their messages. */
export function tappedTransport(inner: ReplicationTransport, taps: TransportTaps): ReplicationTransport {
  const { answer: tapAnswer = (message, handle) => handle(message) } = taps;
  const { answerGroup = (messages, handle) => handle(messages) } = taps;
  const { call: tapCall = (_message, _member, send) => send(), callGroup = (_messages, send) => send() } = taps;
  return {
    listen: (answer: AnswerReplicationCall) =>
      inner.listen(async (from, text) => {
        const handle: Answer = async (message) => parse(await answer(from, JSON.stringify(message)));
        const handleAll: AnswerGroup = async (messages) => {
          const answers: Wire[] = [];
          for (const message of messages) answers.push(await tapAnswer(message, handle));
          return answers;
        };
        const { messages } = parse(text);
        if (!isList(messages)) return encodeMessage(await tapAnswer(parse(text), handle));
        return encodeMessage({ type: 'group', answers: await answerGroup(messages, handleAll) });
      }),
    call: async (member, text, timeoutMs) => {
      const send: Answer = async (message) => parse(await inner.call(member, JSON.stringify(message), timeoutMs));
      const { messages } = parse(text);
      if (!isList(messages)) {
        return encodeMessage(await tapCall(parse(text), member.name, () => send(parse(text))));
      }
      if (taps.call) {
        const answers = messages.map((each) => tapCall(each, member.name, () => send(each)));
        return encodeMessage({ type: 'group', answers: await Promise.all(answers) });
      }
      const sendAll = async (): Promise<Wire[]> => {
        const { answers } = await send(parse(text));
        return isList(answers) ? [...answers] : [];
      };
      return encodeMessage({ type: 'group', answers: await callGroup(messages, sendAll) });
    },
    close: () => inner.close(),
  };
}

function isList(value: unknown): value is readonly Wire[] {
  return Array.isArray(value);
}

function parse(text: string): Wire {
  return JSON.parse(text) as Wire;
}
